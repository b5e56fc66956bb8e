"""A plain PyTorch program that trains as `deno task train` does: DataLoader, PIL, the same views, model and optimiser.

It reads a run's configuration (JSON, as config.json of a run folder), trains for some steps and writes a checkpoint.
After every step it adds a line to the file of marks.
"""

import argparse
import functools
import json
import math
import os

import torch
from torch.utils.data import DataLoader

from data import views
from pictures import Marks, endless, open_pictures
from saae import Model, Trainer
from weights import load, read_safetensors


def build(config):
    """The model of a configuration; its names are ours."""
    return Model(
        image=config["imageSize"],
        patch=config["patchSize"],
        width=config["width"],
        depth=config["depth"],
        heads=config["heads"],
        head=config["headWidth"],
        code=config["codeWidth"],
        dec_depth=config["decoderDepth"],
        dec_heads=config["decoderHeads"],
        temperature=config["temperature"],
        rate=config["dropPath"],
    )


def cosine(start, end, total, warmup, step):
    """A linear warm-up and half a cosine, as the reference has them."""
    if step < warmup:
        return 0 if warmup == 1 else start * step / (warmup - 1)
    length = total - warmup
    done = min(step - warmup, length) / length if length else 1
    return end + 0.5 * (start - end) * (1 + math.cos(math.pi * done))


def axis(low, high, grid):
    """Interpolation matrices [N,G,G] that place a code grid's axis at [low, high) of the picture; zero outside."""
    first, last = (grid * low).int(), (grid * high).int()
    # At least one cell.
    first = torch.minimum(first, torch.tensor(grid - 1))
    size = (last - first).clamp(min=1)[:, None]
    cell = torch.arange(grid) - first[:, None]
    inside = ((cell >= 0) & (cell < size)).float()
    source = ((cell + 0.5) * grid / size - 0.5).clamp(0, grid - 1)
    below = source.floor().long()
    above = (below + 1).clamp(max=grid - 1)
    weight = source - below
    out = torch.zeros(len(low), grid, grid)
    out.scatter_add_(2, below[..., None], ((1 - weight) * inside)[..., None])
    return out.scatter_add_(2, above[..., None], (weight * inside)[..., None])


def placements(boxes, grid):
    """Rows and columns [N,G,G] of the aligner; boxes [N,4] with swapped x where a view is flipped."""
    left, top, right, bottom = boxes.unbind(1)
    flipped = left > right
    columns = axis(torch.minimum(left, right), torch.maximum(left, right), grid)
    columns = torch.where(flipped[:, None, None], columns.flip(2), columns)
    return axis(top, bottom, grid), columns


def command_line(count):
    """The arguments of a program that is measured, and its configuration. `count` names a number of its own."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("config")
    for name in ("--weights", "--pictures", "--out", "--marks"):
        arguments.add_argument(name, required=True)
    for name in (count, "--workers", "--threads"):
        arguments.add_argument(name, type=int, required=True)
    arguments.add_argument("--compile", action="store_true")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    with open(given.config) as file:
        return given, json.load(file)


def main():
    given, config = command_line("--steps")
    torch.manual_seed(config["seed"])

    dataset = open_pictures(given.pictures, functools.partial(views, drawn=config))
    loader = DataLoader(
        dataset,
        batch_size=config["batchSize"],
        shuffle=True,
        drop_last=True,
        num_workers=given.workers,
        persistent_workers=given.workers > 0,
    )
    model = build(config)
    load(model, read_safetensors(given.weights))
    peak = config["lr"] * config["batchSize"] / 256
    trainer = Trainer(model, config["precision"], given.compile, "cpu", most=config["clipGrad"])
    epoch = len(dataset) // config["batchSize"]
    total, warmup = round(config["epochs"] * epoch), round(config["warmupEpochs"] * epoch)
    grid, marks = config["imageSize"] // config["patchSize"], Marks(given.marks)
    for step, (first, second, reference, boxes) in zip(range(given.steps), endless(loader)):
        trainer.set_rates(
            lr=cosine(peak, config["minLr"], total, min(warmup, total), step),
            weight_decay=cosine(config["weightDecay"], config["weightDecayEnd"], total, 0, step),
        )
        # Boxes come as [B,2,4]; rows of the stack are all of view 1, then all of view 2.
        rows, columns = placements(boxes.transpose(0, 1).flatten(0, 1), grid)
        loss = trainer.step(torch.cat([first, second]), reference, rows, columns)
        marks.write(step=step + 1, loss=loss.item())

    state = dict(model=model.state_dict(), optimizer=trainer.optimizer.state_dict(), step=given.steps, config=config)
    torch.save(state, os.path.join(given.out, "checkpoint.pt"))


if __name__ == "__main__":
    main()
