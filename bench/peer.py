"""Shared by the peers of this folder: prompts as the TypeScript side wrote them, and the shortest of several times."""

import json
import time

import torch


def read_prompts(path):
    with open(path) as file:
        return json.load(file)


def pixels(prompts, patch):
    """`[B, most pictures of a row, 3, side, side]` from rows of patches, and the mask of the pictures that exist."""
    rows = []
    for prompt in prompts:
        pictures = []
        for picture in prompt["patches"]:
            tiles, across, down = picture["grid"]
            values = torch.tensor(picture["values"]).view(tiles, across, down, 3, patch, patch)
            pictures.append(values.permute(0, 3, 1, 4, 2, 5).reshape(tiles, 3, across * patch, down * patch))
        rows.append(torch.cat(pictures))
    most = max(len(row) for row in rows)
    side = rows[0].shape[-1]
    out = torch.zeros(len(rows), most, 3, side, side)
    for row, picture in zip(out, rows):
        row[: len(picture)] = picture
    return out


def batch_inputs(prompts, pad, patch=8):
    """Left-padded inputs of a batch."""
    longest = max(len(prompt["ids"]) for prompt in prompts)
    ids = torch.tensor([[pad] * (longest - len(p["ids"])) + p["ids"] for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p["ids"])) + [1] * len(p["ids"]) for p in prompts])
    values = pixels(prompts, patch)
    pixel_mask = torch.ones(values.shape[0], values.shape[1], *values.shape[-2:], dtype=torch.bool)
    return {"input_ids": ids, "attention_mask": mask, "pixel_values": values, "pixel_attention_mask": pixel_mask}


def shortest(rounds, run):
    """Milliseconds on the clock and of all processors, each the shortest of several runs."""
    run()
    times = {"wall": float("inf"), "processor": float("inf")}
    for _ in range(rounds):
        start = time.perf_counter(), time.process_time()
        run()
        end = time.perf_counter(), time.process_time()
        for i, clock in enumerate(times):
            times[clock] = min(times[clock], 1000 * (end[i] - start[i]))
    return times
