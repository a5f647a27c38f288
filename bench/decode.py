"""Peer of decode.ts: `decode.py THREADS MODEL PROMPTS NEW_TOKENS ROUNDS BATCH...`; the result is JSON on stdout."""

import json
import sys

import torch
from peer import batch_inputs, read_prompts, shortest
from transformers import AutoModelForImageTextToText

threads, model_path, prompts_path, new_tokens, rounds, *batches = sys.argv[1:]
torch.set_num_threads(int(threads))
model = AutoModelForImageTextToText.from_pretrained(model_path, dtype=torch.float32).eval()
given = read_prompts(prompts_path)
prompts = given["prompts"]
new_tokens = int(new_tokens)
result = {}
with torch.inference_mode():
    for batch in map(int, batches):
        inputs = batch_inputs(prompts[:batch], model.config.text_config.pad_token_id)

        def run():
            return model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=new_tokens,
                suppress_tokens=given["banned"],
                eos_token_id=None,
                pad_token_id=0,
            )

        ids = run()[0, inputs["input_ids"].shape[1] :].tolist()
        result[batch] = {"times": shortest(int(rounds), run), "first": ids}
print(json.dumps(result))
