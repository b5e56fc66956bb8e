"""Runs the peer's steps when asked: each line on standard input is a number of steps, each answer the seconds."""

import argparse
import json
import sys
import time

import torch

from saae import PRESETS, Model, Trainer, matrices


def memory(field):
    """Bytes that are resident now (VmRSS) or were at most (VmHWM; ru_maxrss would be taken over from the parent)."""
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith(field))


def noise(preset, batch):
    """The arguments of a step, made before the clock starts."""
    generator = torch.Generator().manual_seed(0)
    size, patch = PRESETS[preset]["image"], PRESETS[preset]["patch"]
    pictures = [torch.randn(count, 3, size, size, generator=generator) for count in (2 * batch, batch)]
    return [*pictures, *matrices(2 * batch, size // patch, generator)]


arguments = argparse.ArgumentParser()
arguments.add_argument("--preset", default="tiny")
arguments.add_argument("--batch", type=int, default=8)
arguments.add_argument("--precision", default="float32", choices=["float32", "tf32", "bfloat16"])
arguments.add_argument("--compile", action="store_true")
arguments.add_argument("--device", default="cpu")
arguments.add_argument("--threads", type=int)
given = arguments.parse_args()

if given.precision != "float32":
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
torch.manual_seed(0)
if given.threads:
    torch.set_num_threads(given.threads)
trainer = Trainer(Model(**PRESETS[given.preset]), given.precision, given.compile, given.device)
batch = [part.to(given.device) for part in noise(given.preset, given.batch)]
start = time.perf_counter()
loss = trainer.step(*batch).item()
first = time.perf_counter() - start
print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "loss": loss, "first": first}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    for _ in range(int(line)):
        loss = trainer.step(*batch)
    loss.item()
    seconds = time.perf_counter() - start
    peak, resident = memory("VmHWM"), memory("VmRSS")
    if given.device == "cuda":
        peak, resident = torch.cuda.max_memory_allocated(), torch.cuda.memory_allocated()
    print(json.dumps({"seconds": seconds, "peak": peak, "resident": resident}), flush=True)
