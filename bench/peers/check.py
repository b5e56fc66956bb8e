"""Holds the peer's model and training step beside golden values of the reference: check.py FOLDER.

Prints a line of JSON: the relative difference of the loss, of its gradients (the largest over tensors that are stored
whole), and of the losses of eight steps of training.
"""

import json
import os
import sys

import torch

from saae import Model, Trainer
from train import placements
from weights import load, peer_name, read_safetensors


def golden(folder, name):
    return read_safetensors(os.path.join(folder, f"golden-{name}.safetensors"))


def build(values):
    model = Model(64, 16, 48, 2, 3, 96, 32, 2, 4, rate=0.0)
    load(model, {name[2:]: tensor for name, tensor in values.items() if name.startswith("w.")})
    return model


def main():
    folder = sys.argv[1]
    values, steps = golden(folder, "bn"), golden(folder, "train")
    views = torch.cat([values["in.view1"], values["in.view2"]])
    rows, columns = placements(torch.cat([values["in.box1"], values["in.box2"]]), 4)
    batch = [views, values["in.reference"], rows, columns]

    model = build(values)
    loss, total = model(*batch), values["fix.loss.total"]
    loss.backward()
    parameters, worst = dict(model.named_parameters()), 0.0
    for name, expected in values.items():
        # These two have a gradient of zero but for rounding: batch norm takes any shift out again.
        if not name.startswith("fix.grad.") or name.endswith(("head.mlp.0.bias", "backbone.norm.bias")):
            continue
        found = parameters[peer_name(name[len("fix.grad."):])].grad
        worst = max(worst, float((found - expected).norm() / expected.norm()))

    trainer, losses = Trainer(build(values), "float32", False, "cpu", most=0.3), []
    for lr, decay in zip(steps["in.lr"], steps["in.wd"]):
        trainer.set_rates(float(lr), float(decay))
        losses.append(trainer.step(*batch).item())
    apart = (torch.tensor(losses) / steps["out.losses"] - 1).abs().max()
    print(json.dumps({"loss": abs(loss.item() / total.item() - 1), "gradients": worst, "training": float(apart)}))


if __name__ == "__main__":
    main()
