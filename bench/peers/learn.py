"""Trains one of the peers of `deno task bench learn`: learn.py GIVEN, a JSON file that says all of it.

    method    simclr, dino, mae or supervised
    settings  what is changed of the method's DEFAULTS and of learn_views.PLAIN
    config    the model's sizes, as config.json of a run folder has them; batchSize
    pictures  bytes of all pictures, count × S × S × 3, in a file; labels: their classes, one a picture
    steps     of the whole run; marks: the steps after which the encoder's weights are written to encoder-STEP.safetensors
    out       a folder, for that, state.pt and marks.jsonl; a run that was killed goes on there, with the same numbers
    seed, threads, saveSeconds
    device    cpu or cuda

learn.py --check FILE only looks whether there are the settings of a list of methods with settings.
"""

import importlib
import json
import math
import os
import sys
import time

import torch

from learn_views import PLAIN
from pictures_in_memory import Batches
from saae import clip
from weights import write_safetensors


def whole(method, changed):
    """A method's module, and all its settings."""
    module = importlib.import_module(f"learn_{method}")
    known = {**PLAIN, "minLr": 1e-6, "optimizer": "adamw", **module.DEFAULTS}
    unknown = set(changed) - set(known)
    if unknown:
        raise SystemExit(f"{method}: unknown settings {sorted(unknown)}; there are {sorted(known)}")
    settings = {**known, **changed}
    if settings["optimizer"] not in ("adamw", "muon"):
        raise SystemExit(f"{method}: optimizer is {settings['optimizer']!r}; it must be \"adamw\" or \"muon\"")
    return module, settings


def cosine(start, end, done):
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


def rates(settings, batch, step, steps):
    """Learning rate and weight decay: a linear warm-up and half a cosine, and half a cosine."""
    peak, warmup = settings["lr"] * batch / 256, round(settings["warmup"] * steps)
    if step < warmup:
        lr = peak * (step + 1) / warmup
    else:
        lr = cosine(peak, settings["minLr"], (step - warmup) / max(1, steps - warmup))
    return lr, cosine(settings["weightDecay"], settings["weightDecayEnd"], step / steps)


def is_muons(name, p):
    """The weights of linear layers, which PyTorch's Muon can take; not DINO's prototypes, which are directions."""
    return p.ndim == 2 and not name.endswith("last")


def orthogonal(grad, coefficients, steps, eps):
    """PyTorch's Newton–Schulz iteration for Muon in float32: in bfloat16, as PyTorch has it, many processors are slow."""
    a, b, c = coefficients
    x = grad.T if grad.size(0) > grad.size(1) else grad
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if grad.size(0) > grad.size(1) else x


def optimizers_of(method, settings):
    """AdamW, and Muon for matrices if that is asked for; nothing of one axis is decayed. Groups say if they are."""
    trained = [(name, p) for name, p in method.named_parameters() if p.requires_grad]
    first = [p for name, p in trained if settings["optimizer"] == "muon" and is_muons(name, p)]
    rest = [p for _, p in trained if not any(p is other for other in first)]
    groups = [dict(params=[p for p in rest if p.ndim > 1], decayed=True),
              dict(params=[p for p in rest if p.ndim <= 1], decayed=False)]
    adamw = torch.optim.AdamW(groups, lr=0.0, betas=tuple(settings["betas"]), weight_decay=0.0, fused=True)
    if not first:
        return [adamw]
    if not first[0].is_cuda:
        torch.optim._muon._zeropower_via_newtonschulz = orthogonal
    group = dict(params=first, decayed=True)
    return [adamw, torch.optim.Muon([group], lr=0.0, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")]


def cpu(tensors):
    return {name: values.cpu() for name, values in tensors.items()}


def publish(path, write):
    """Writes a file whole or not at all."""
    write(path + ".part")
    os.replace(path + ".part", path)


def kept_lines(path, step):
    """Drops what a killed run has noted of steps that are taken again."""
    if not os.path.exists(path):
        return
    with open(path) as file:
        lines = [line for line in file if line.endswith("\n") and json.loads(line)["step"] <= step]
    publish(path, lambda part: open(part, "w").write("".join(lines)))


class Run:
    def __init__(self, given):
        self.given, self.out, self.step = given, given["out"], 0
        torch.manual_seed(given["seed"])
        module, self.settings = whole(given["method"], given["settings"])
        self.method = module.Method(given["config"], self.settings, given["classes"]).to(given["device"]).train()
        # What views and masks draw is drawn there.
        torch.set_default_device(given["device"])
        self.optimizers = optimizers_of(self.method, self.settings)
        self.groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        self.trained = [p for group in self.groups for p in group["params"]]
        state = os.path.join(self.out, "state.pt")
        if os.path.exists(state):
            self.load(torch.load(state, weights_only=True, map_location="cpu"))
        kept_lines(os.path.join(self.out, "marks.jsonl"), self.step)
        self.marks = open(os.path.join(self.out, "marks.jsonl"), "a")

    def load(self, state):
        self.method.load_state_dict(state["method"])
        for optimizer, own in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(own)
        self.groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for generator, random in zip(self.generators(), state["random"]):
            generator.set_state(random)
        self.step = state["step"]

    def generators(self):
        """What draws: the processor's, and the card's."""
        return [torch.default_generator, *torch.cuda.default_generators[:self.given["device"] == "cuda"]]

    def save(self):
        random = [generator.get_state() for generator in self.generators()]
        state = dict(method=self.method.state_dict(), step=self.step, random=random,
                     optimizers=[optimizer.state_dict() for optimizer in self.optimizers])
        publish(os.path.join(self.out, "state.pt"), lambda path: torch.save(state, path))

    def take(self, pictures, labels):
        steps = self.given["steps"]
        lr, decay = rates(self.settings, len(pictures), self.step, steps)
        for group in self.groups:
            group["lr"], group["weight_decay"] = lr, decay if group["decayed"] else 0.0
        done = self.step / steps
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss = self.method.loss(pictures, labels, done)
        value = loss.item()
        if not math.isfinite(value):
            raise SystemExit(f"the loss of step {self.step + 1} is {value}")
        loss.backward()
        if self.settings["clip"] > 0:
            clip([p.grad for p in self.trained if p.grad is not None], self.settings["clip"])
        self.method.before(done)
        for optimizer in self.optimizers:
            optimizer.step()
        self.method.after(done)
        self.step += 1
        self.marks.write(json.dumps(dict(step=self.step, loss=value)) + "\n")
        self.marks.flush()

    def leave_weights(self):
        """The encoder as it is now, by the names that our own reader knows."""
        path = os.path.join(self.out, f"encoder-{self.step}.safetensors")
        publish(path, lambda part: write_safetensors(part, cpu(self.method.trained().weights())))


def main():
    with open(sys.argv[-1]) as file:
        given = json.load(file)
    if sys.argv[1] == "--check":
        for subject in given:
            whole(subject["method"], subject["settings"])
        return
    torch.set_num_threads(given["threads"])
    run, parent = Run(given), os.getppid()
    batches = Batches(given, given["config"]["batchSize"], given["seed"])
    marks, saved = set(given["marks"]), time.monotonic()
    while run.step < given["steps"]:
        # A benchmark that was killed leaves nothing behind that goes on without it.
        if os.getppid() != parent:
            raise SystemExit("the benchmark has gone")
        run.take(*batches.at(run.step))
        if run.step in marks:
            run.leave_weights()
        if time.monotonic() - saved > given["saveSeconds"] and run.step < given["steps"]:
            run.save()
            saved = time.monotonic()


if __name__ == "__main__":
    main()
