"""Pillow's changes of pictures, for tests/finetune/rand_augment_test.ts: what timm's RandAugment calls.

Run once, with Pillow and numpy: python bench/peers/randaugment_fixture.py tests/fixtures/randaugment.safetensors
"""

import json
import struct
import sys

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

SIZE, FILL = 24, (124, 116, 104)


def affine(picture, matrix):
    return picture.transform(picture.size, Image.AFFINE, matrix, resample=Image.BICUBIC, fillcolor=FILL)


def solarize_add(picture, amount):
    table = [min(255, i + amount) if i < 128 else i for i in range(256)]
    return picture.point(table + table + table)


CHANGES = {
    "autoContrast": (0, lambda p, v: ImageOps.autocontrast(p)),
    "equalise": (0, lambda p, v: ImageOps.equalize(p)),
    "invert": (0, lambda p, v: ImageOps.invert(p)),
    "rotate": (-26.5, lambda p, v: p.rotate(v, resample=Image.BICUBIC, fillcolor=FILL)),
    "posterise": (2, lambda p, v: ImageOps.posterize(p, v)),
    "solarise": (77, lambda p, v: ImageOps.solarize(p, v)),
    "solariseAdd": (93, solarize_add),
    "colour": (1.75, lambda p, v: ImageEnhance.Color(p).enhance(v)),
    "contrast": (0.25, lambda p, v: ImageEnhance.Contrast(p).enhance(v)),
    "brightness": (1.75, lambda p, v: ImageEnhance.Brightness(p).enhance(v)),
    "sharpness": (1.75, lambda p, v: ImageEnhance.Sharpness(p).enhance(v)),
    "shearX": (0.27, lambda p, v: affine(p, (1, v, 0, 0, 1, 0))),
    "shearY": (-0.25, lambda p, v: affine(p, (1, 0, 0, v, 1, 0))),
    "translateX": (0.3, lambda p, v: affine(p, (1, 0, v * SIZE, 0, 1, 0))),
    "translateY": (-0.41, lambda p, v: affine(p, (1, 0, 0, 0, 1, v * SIZE))),
}


def pictures():
    random = np.random.default_rng(1)
    noise = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((SIZE, SIZE), Image.BICUBIC)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    ramp = np.stack([40 + 6 * x, 20 + 3 * y + 2 * x, np.where(x > y, 90, 200)], 2).astype(np.uint8)
    return [noise, Image.fromarray(ramp)]


def write(path, tensors):
    header, at, body = {}, 0, b""
    for name, (kind, value) in tensors.items():
        raw = value.tobytes()
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [at, at + len(raw)]}
        at, body = at + len(raw), body + raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def main(path):
    made = pictures()
    stored = {"before": ("U8", np.stack([np.asarray(p) for p in made]))}
    for name, (amount, change) in CHANGES.items():
        stored[name] = ("U8", np.stack([np.asarray(change(p, amount)) for p in made]))
        stored[f"{name}.amount"] = ("F32", np.array([amount], dtype=np.float32))
    write(path, stored)


main(sys.argv[1])
