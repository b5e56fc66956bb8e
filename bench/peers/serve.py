"""Runs the peer's steps when asked: each line on standard input is a number of steps, each answer the seconds."""

import argparse
import json
import sys
import time

import torch

from saae import Trainer


def peak_memory():
    """Bytes; not ru_maxrss, which a process takes over from the one that started it."""
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


arguments = argparse.ArgumentParser()
arguments.add_argument("--preset", default="tiny")
arguments.add_argument("--batch", type=int, default=8)
arguments.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
arguments.add_argument("--compile", action="store_true")
arguments.add_argument("--device", default="cpu")
given = arguments.parse_args()

if given.device == "cuda":
    torch.backends.cuda.matmul.allow_tf32 = True
trainer = Trainer(given.preset, given.batch, given.precision, given.compile, given.device)
start = time.perf_counter()
loss = trainer.step().item()
first = time.perf_counter() - start
print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "loss": loss, "first": first}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        loss = trainer.step()
    loss.item()
    seconds = time.perf_counter() - start
    peak = peak_memory()
    if given.device == "cuda":
        peak = torch.cuda.max_memory_allocated()
    print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)
