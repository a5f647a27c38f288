"""Opens what save-models.ts saved, with transformers and PEFT, and compares ids and logits: python saved_logits.py DIR

Prints one JSON line for each saved model: {"name", "idsEqual", "difference"}, the largest absolute difference of logits.
"""
import json
import sys
from pathlib import Path

import torch

from checkpoint import encode, open_model, open_processor


@torch.no_grad()
def compare(saved):
    """Scores the stored completion after the stored question, all from the saved files."""
    inputs = encode(open_processor(saved["model"]), saved["images"], saved["question"])
    prompt = inputs["input_ids"]
    completion = torch.tensor([saved["completion"]])
    inputs["input_ids"] = torch.cat([prompt, completion], 1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    logits = open_model(saved["model"], saved.get("adapter"))(**inputs, use_cache=False).logits
    scored = logits[0, prompt.shape[1] - 1 : -1]
    difference = (scored - torch.tensor(saved["logits"]).reshape(scored.shape)).abs().max()
    return {"name": saved["name"], "idsEqual": prompt[0].tolist() == saved["promptTokenIds"], "difference": float(difference)}


for record in json.loads((Path(sys.argv[1]) / "saved.json").read_text()):
    print(json.dumps(compare(record)), flush=True)
