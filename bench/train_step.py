"""Peer of train-step.ts: `train_step.py THREADS ROUNDS`; the result is JSON on stdout."""

import json
import sys

import torch
import torch.nn.functional as F
from peer import shortest

LAYERS, WIDTH, HEADS, INNER, VOCAB = 2, 128, 4, 512, 512
BATCH, PATCHES, TEXT, PATCH = 8, 64, 128, 192
LENGTH, SIZE = PATCHES + TEXT, WIDTH // HEADS

threads, rounds = map(int, sys.argv[1:])
torch.set_num_threads(threads)


def wave(shape, which, scale):
    count = torch.Size(shape).numel()
    i = torch.arange(count, dtype=torch.float64)
    return (scale * torch.sin(1 + 12.9898 * i + 78.233 * which)).float().reshape(shape)


shapes = {"patch": (WIDTH, PATCH), "embedding": (VOCAB, WIDTH), "norm": (WIDTH,), "head": (VOCAB, WIDTH)}
for layer in range(LAYERS):
    shapes |= {f"{name}{layer}": (WIDTH, WIDTH) for name in "qkvo"}
    shapes |= {f"{name}{layer}": (WIDTH,) for name in ("norm1", "norm2")}
    shapes |= {f"{name}{layer}": (INNER, WIDTH) for name in ("gate", "up")}
    shapes[f"down{layer}"] = (WIDTH, INNER)
weights = {
    name: (torch.ones(shape) if len(shape) == 1 else wave(shape, which, (2 / shape[1]) ** 0.5)).requires_grad_()
    for which, (name, shape) in enumerate(shapes.items())
}
optimizer = torch.optim.AdamW(weights.values(), lr=1e-3, weight_decay=0.01)
positions = torch.arange(LENGTH, dtype=torch.float64)[:, None]
angles = positions * 10000.0 ** (-torch.arange(SIZE // 2, dtype=torch.float64) / (SIZE // 2))
cos, sin = (torch.cat([f(angles)] * 2, 1).float() for f in (torch.cos, torch.sin))
pixels = wave((BATCH * PATCHES, PATCH), 100, 1).view(BATCH, PATCHES, PATCH)
ids = ((torch.arange(BATCH * TEXT) * 7919 + 13) % VOCAB).view(BATCH, TEXT)


def rotate(x):
    return x * cos + torch.cat([-x[..., SIZE // 2 :], x[..., : SIZE // 2]], -1) * sin


def split(x):
    return x.view(BATCH, LENGTH, HEADS, SIZE).transpose(1, 2)


def forward():
    w = weights
    x = torch.cat([pixels @ w["patch"].T, F.embedding(ids, w["embedding"])], 1)
    for layer in range(LAYERS):
        normed = F.rms_norm(x, (WIDTH,), w[f"norm1{layer}"], 1e-5)
        q, k, v = (split(normed @ w[f"{name}{layer}"].T) for name in "qkv")
        mixed = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True)
        x = x + mixed.transpose(1, 2).reshape(BATCH, LENGTH, WIDTH) @ w[f"o{layer}"].T
        middle = F.rms_norm(x, (WIDTH,), w[f"norm2{layer}"], 1e-5)
        gated = F.silu(middle @ w[f"gate{layer}"].T) * (middle @ w[f"up{layer}"].T)
        x = x + gated @ w[f"down{layer}"].T
    states = F.rms_norm(x[:, PATCHES - 1 : -1], (WIDTH,), w["norm"], 1e-5)
    return F.cross_entropy((states @ w["head"].T).flatten(0, 1), ids.flatten())


def step():
    optimizer.zero_grad()
    loss = forward()
    loss.backward()
    optimizer.step()
    return loss.item()


losses = [step() for _ in range(3)]
print(json.dumps({"losses": losses, "times": shortest(rounds, step)}))
