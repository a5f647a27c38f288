"""What transformers answers: the expected values of `npm run ask -- --prompt raw --temperature 0`.

Reads one question a line from stdin, prints one answer a line:

    {"model": DIR, "adapter": DIR or absent, "images": [FILE, …], "question": TEXT, "max_tokens": N}
    {"promptTokenIds": […], "tokenIds": […], "text": TEXT, "logProbs": […], "margin": X}

`margin` is the smallest gap between the best and the second logit: ids can only be compared where it is above rounding.
"""
import json
import sys

import torch

from checkpoint import encode, open_model, open_processor


@torch.no_grad()
def answer(question):
    """The greedy answer with the log-prob of every token, log-softmax of the unmodified logits."""
    processor = open_processor(question["model"])
    model = open_model(question["model"], question.get("adapter"))
    inputs = encode(processor, question["images"], question["question"])
    out = model.generate(**inputs, do_sample=False, max_new_tokens=question["max_tokens"], return_dict_in_generate=True,
                         output_logits=True)
    prompt = inputs["input_ids"][0]
    ids = out.sequences[0, len(prompt):]
    logits = torch.stack([step[0] for step in out.logits])
    best = logits.topk(2, -1).values
    return {
        "promptTokenIds": prompt.tolist(),
        "tokenIds": ids.tolist(),
        "text": processor.decode(ids, skip_special_tokens=True),
        "logProbs": logits.log_softmax(-1).gather(-1, ids[:, None])[:, 0].tolist(),
        "margin": float((best[:, 0] - best[:, 1]).min()),
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
