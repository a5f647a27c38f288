"""Writes torch_adamw.json: weights and moments after some steps of torch.optim.AdamW (torch 2.13.0, CPU, float32).

    python torch_adamw.py > torch_adamw.json

Weights and gradients are multiples of powers of two, so that every language starts from the same numbers.
"""

import json
import math

import torch

SHAPES = {"matrix": [3, 5], "vector": [7], "scalar": [], "cube": [2, 1, 3]}
RUNS = [
    {"betas": [0.9, 0.999], "epsilon": 1e-8, "weightDecay": 0.01, "rates": [1e-2] * 5, "scales": [1] * 5},
    {"betas": [0.9, 0.95], "epsilon": 1e-15, "weightDecay": 0.1, "rates": [0.5, 0.25, 0, 0.125], "scales": [1, 2**-6, 0.75, 1e-3]},
    {"betas": [0.0, 0.0], "epsilon": 0.5, "weightDecay": 0, "rates": [1, 0.5], "scales": [1, 1]},
]


def start(shape):
    return torch.tensor([((i * 29 + 7) % 31 - 15) / 16 for i in range(math.prod(shape))]).reshape(shape)


def gradient(shape, step, index):
    return torch.tensor([((i * 37 + step * 11 + index * 5) % 23 - 11) / 8 for i in range(math.prod(shape))]).reshape(shape)


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def result(run):
    weights = {name: torch.nn.Parameter(start(shape)) for name, shape in SHAPES.items()}
    optimizer = torch.optim.AdamW(
        weights.values(), betas=tuple(run["betas"]), eps=run["epsilon"], weight_decay=run["weightDecay"], foreach=False
    )
    for step, (rate, scale) in enumerate(zip(run["rates"], run["scales"])):
        for index, weight in enumerate(weights.values()):
            weight.grad = gradient(weight.shape, step, index) * scale
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    state = optimizer.state
    return {
        name: {"weights": numbers(w), "first": numbers(state[w]["exp_avg"]), "second": numbers(state[w]["exp_avg_sq"])}
        for name, w in weights.items()
    }


print(json.dumps({"shapes": SHAPES, "runs": [{**run, "result": result(run)} for run in RUNS]}))
