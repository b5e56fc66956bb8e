"""Holds the peers of `bench learn` beside formulas that are written out number by number. Prints a line of JSON.

check_learn.py FOLDER also writes there encoders' weights, pictures, and the tokens that PyTorch computes of them.
"""

import json
import math
import os
import sys

import torch

from learn_dino import dino_loss
from learn_mae import hidden_patches, painted_loss, patches
from learn_simclr import nt_xent
from learn_views import MEAN, PLAIN, STD, crop_boxes, hue_turned, view
from learn_vit import Vit
from weights import write_safetensors

CONFIG = dict(imageSize=16, patchSize=4, width=32, depth=2, heads=2, mlpRatio=4, stem="convolutions", localMixing=True)


def nt_xent_apart():
    first, second = torch.randn(3, 5), torch.randn(3, 5)
    codes = [row / row.norm() for row in (*first, *second)]
    total = 0.0
    for i, own in enumerate(codes):
        alike = [math.exp(float(own @ other) / 0.5) for other in codes]
        total -= math.log(alike[(i + 3) % 6] / (sum(alike) - alike[i])) / 6
    return abs(nt_xent(first, second, 0.5).item() - total)


def dino_apart():
    student, teacher, centre = torch.randn(3, 2, 4), torch.randn(2, 2, 4), torch.randn(1, 4)
    total = 0.0
    for t in range(2):
        for s in range(3):
            for row in range(2):
                if t == s:
                    continue
                wanted = [math.exp(float(x)) for x in (teacher[t, row] - centre[0]) / 0.04]
                guessed = [math.exp(float(x)) for x in student[s, row] / 0.1]
                total -= sum(w / sum(wanted) * math.log(g / sum(guessed)) for w, g in zip(wanted, guessed)) / 2 / 4
    return abs(dino_loss(list(student), list(teacher), centre, 0.1, 0.04).item() - total)


def mae_apart():
    """Hidden are three quarters, cells come back to their places, and only hidden ones count."""
    keep, places = hidden_patches(5, 16, 0.75)
    assert keep.shape == (5, 4) and (places.sort(1).values == torch.arange(16)).all()
    for row in range(5):
        assert set(keep[row].tolist()) == {cell for cell in range(16) if places[row, cell] < 4}
    # What is gathered by `keep` and given back by `places` stands where it was.
    cells = torch.arange(16.0).expand(5, 16)
    seen = torch.cat([cells.gather(1, keep), torch.full((5, 12), -1.0)], 1).gather(1, places)
    assert ((seen == cells) == (places < 4)).all() and ((seen == -1) == (places >= 4)).all()
    images, hidden = torch.randn(5, 3, 16, 16), (places >= 4).float()
    given, total = torch.randn(5, 16, 48), 0.0
    for row in range(5):
        for cell in range(16):
            top, left = 4 * (cell // 4), 4 * (cell % 4)
            patch = images[row, :, top:top + 4, left:left + 4].permute(1, 2, 0).flatten()
            assert (patches(images, 4)[row, cell] == patch).all()
            patch = (patch - patch.mean()) / math.sqrt(patch.var().item() + 1e-6)
            total += hidden[row, cell].item() * ((given[row, cell] - patch) ** 2).mean().item()
    return abs(painted_loss(given, images, 4, hidden, True).item() - total / hidden.sum().item())


def views_apart():
    """A crop of everything is the picture, mirrored or not; crops fit; a whole turn of the hue changes nothing."""
    pictures = torch.rand(8, 3, 16, 16)
    whole = {**PLAIN, "scale": (1, 1), "ratio": (1, 1), "flip": 0.0}
    given = view(pictures, whole) * STD + MEAN
    mirrored = view(pictures, {**whole, "flip": 1.0}) * STD + MEAN
    centres, sizes = crop_boxes(1000, 16, (0.08, 1), (3 / 4, 4 / 3))
    assert (sizes >= 1).all() and (centres - sizes / 2 >= 0).all() and (centres + sizes / 2 <= 16).all()
    share = (sizes.prod(1) / 256).mean().item()
    assert 0.4 < share < 0.6, share
    apart = [given - pictures, mirrored.flip(3) - pictures, hue_turned(pictures, torch.ones(8, 1, 1, 1)) - pictures]
    red = hue_turned(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1), torch.full((1, 1, 1, 1), 1 / 3))
    apart.append(red - torch.tensor([0, 1.0, 0]).view(1, 3, 1, 1))
    return max(difference.abs().max().item() for difference in apart)


def write_tokens(folder):
    bytes = torch.randint(0, 256, (6, 16, 16, 3), dtype=torch.uint8)
    for name, plain in (("plain", True), ("ours", False)):
        encoder = Vit(CONFIG, plain=plain).eval()
        for parameter in encoder.parameters():
            # Zeros and ones would hide a tensor that is in the wrong place.
            parameter.data += 0.1 * torch.randn_like(parameter)
        with torch.inference_mode():
            tokens = encoder((bytes.permute(0, 3, 1, 2).float() / 255 - MEAN) / STD)
        write_safetensors(os.path.join(folder, f"{name}.safetensors"), encoder.weights())
        found = {"pictures": bytes.float(), "class": tokens[:, 0], "mean": tokens[:, 1:].mean(1)}
        write_safetensors(os.path.join(folder, f"{name}-tokens.safetensors"), found)


def main():
    torch.manual_seed(0)
    apart = {"nt-xent": nt_xent_apart(), "dino": dino_apart(), "mae": mae_apart(), "views": views_apart()}
    if len(sys.argv) > 1:
        write_tokens(sys.argv[1])
    print(json.dumps(apart))


if __name__ == "__main__":
    main()
