"""Peer of opd-step.ts: `opd_step.py THREADS MODEL PROMPTS NEW_TOKENS ROUNDS`; the result is JSON on stdout."""

import copy
import json
import sys
import time

import torch
from peer import batch_inputs, read_prompts
from transformers import AutoModelForImageTextToText

threads, model_path, prompts_path, new_tokens, rounds = sys.argv[1:]
new_tokens = int(new_tokens)
torch.set_num_threads(int(threads))
torch.manual_seed(0)
model = AutoModelForImageTextToText.from_pretrained(model_path, dtype=torch.float32).eval()
teacher = copy.deepcopy(model).requires_grad_(False)
given = read_prompts(prompts_path)
students, teachers = (batch_inputs(given[name], 0) for name in ("students", "teachers"))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.01)


def token_log_probs(policy, inputs, completion):
    ids = torch.cat([inputs["input_ids"], completion], 1)
    mask = torch.cat([inputs["attention_mask"], torch.ones_like(completion)], 1)
    more = {"input_ids": ids, "attention_mask": mask}
    logits = policy(**{**inputs, **more}, use_cache=False, logits_to_keep=new_tokens + 1).logits[:, :-1]
    return logits.log_softmax(-1).gather(-1, completion[..., None])[..., 0]


def step():
    start, used = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        sampled = model.generate(
            **students,
            do_sample=True,
            top_k=0,
            max_new_tokens=new_tokens,
            suppress_tokens=given["banned"],
            eos_token_id=None,
            pad_token_id=0,
        )
    completion = sampled[:, students["input_ids"].shape[1] :].clone()
    rolled_out = time.perf_counter()
    with torch.no_grad():
        scores = token_log_probs(teacher, teachers, completion)
    taught = time.perf_counter()
    log_probs = token_log_probs(model, students, completion)
    advantage = scores - log_probs.detach()
    loss = -((log_probs - log_probs.detach()).exp() * advantage).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    end = time.perf_counter()
    return {
        "seconds": end - start,
        "rollout": rolled_out - start,
        "teacher": taught - rolled_out,
        "update": end - taught,
        "processor": time.process_time() - used,
    }


step()
print(json.dumps(min((step() for _ in range(int(rounds))), key=lambda one: one["seconds"])))
