"""Adapters as PEFT itself writes them, one for each form of LoRA: python make_adapters.py CHECKPOINT OUT

Prints the folders as a JSON list.
"""
import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

from checkpoint import open_model

FORMS = {
    "rank-stabilised": dict(r=3, lora_alpha=5, use_rslora=True, target_modules=["q_proj", "fc1"]),
    "patterns": dict(r=4, lora_alpha=8, target_modules="all-linear", rank_pattern={"q_proj": 2, "layers.1.mlp.up_proj": 6},
                     alpha_pattern={"layers.0.self_attn.q_proj": 5, "fc2": 3}),
    "one-layer": dict(r=2, lora_alpha=4, target_modules=["v_proj"], layers_to_transform=[0], layers_pattern="layers"),
    "without-vision": dict(r=2, lora_alpha=4, target_modules=["q_proj", "o_proj"], exclude_modules=".*vision_model.*"),
    "whole-weights": dict(r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["modality_projection", "post_layernorm"]),
}


def write_adapter(checkpoint, folder, settings):
    """The form with random numbers in everything that it trains."""
    model = get_peft_model(open_model(checkpoint), LoraConfig(**settings))
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)


checkpoint, out = sys.argv[1:]
folders = [str(Path(out) / name) for name in FORMS]
for folder, settings in zip(folders, FORMS.values()):
    write_adapter(checkpoint, folder, settings)
print(json.dumps(folders))
