"""Loads three views of each picture as users of PyTorch do, with as many workers as asked.

Each line on standard input is a number of images, each answer the seconds that they took. The transforms are PIL's, in
the order of the reference; the picture is resized to the base once, where the reference does it anew for every view.
"""

import argparse
import io
import json
import math
import os
import random
import sys
import time

import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps, __version__ as pillow
from torch.utils.data import DataLoader, Dataset

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
# How views are drawn, as a run's configuration says it: the reference's published run.
PUBLISHED = dict(
    imageSize=224, cropScale=(0.14, 1), cropRatio=(3 / 4, 4 / 3), flip=0.5, colour=0.8, brightness=0.4, contrast=0.4,
    saturation=0.2, hue=0.1, grey=0.2, blur=(1, 0.1), blurRadius=(0.1, 2), solarise=(0, 0.2),
)


def to_tensor(picture):
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    pixels = pixels.view(picture.height, picture.width, 3).permute(2, 0, 1)
    return pixels.to(torch.float32).div_(255).sub_(MEAN).div_(STD)


def crop(picture, size, scale, ratios):
    for _ in range(10):
        area = random.uniform(*scale) * size * size
        ratio = math.exp(random.uniform(math.log(ratios[0]), math.log(ratios[1])))
        width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < width <= size and 0 < height <= size:
            top, left = random.randint(0, size - height), random.randint(0, size - width)
            break
    else:
        top, left, width, height = 0, 0, size, size
    cut = picture.crop((left, top, left + width, top + height)).resize((size, size), Image.BICUBIC)
    return cut, [left / size, top / size, (left + width) / size, (top + height) / size]


def shift_hue(picture, factor):
    hue, saturation, value = picture.convert("HSV").split()
    hue = hue.point([(h + int(factor * 255)) % 256 for h in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def view(base, number, drawn):
    """One view of a base picture and its box; number: 0 or 1; drawn: how views are drawn, as in PUBLISHED."""
    picture, box = crop(base, base.width, drawn["cropScale"], drawn["cropRatio"])
    if random.random() < drawn["flip"]:
        picture, box = ImageOps.mirror(picture), [box[2], box[1], box[0], box[3]]
    if random.random() < drawn["colour"]:
        around = lambda name: random.uniform(1 - drawn[name], 1 + drawn[name])
        changes = [
            lambda p: ImageEnhance.Brightness(p).enhance(around("brightness")),
            lambda p: ImageEnhance.Contrast(p).enhance(around("contrast")),
            lambda p: ImageEnhance.Color(p).enhance(around("saturation")),
            lambda p: shift_hue(p, random.uniform(-drawn["hue"], drawn["hue"])),
        ]
        random.shuffle(changes)
        for change in changes:
            picture = change(picture)
    if random.random() < drawn["grey"]:
        picture = picture.convert("L").convert("RGB")
    if random.random() <= drawn["blur"][number]:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(*drawn["blurRadius"])))
    if random.random() < drawn["solarise"][number]:
        picture = ImageOps.solarize(picture)
    return to_tensor(picture), torch.tensor(box)


def views(picture, drawn=PUBLISHED):
    """Both views, the reference view and the two boxes."""
    size = drawn["imageSize"]
    base = picture.convert("RGB").resize((size, size), Image.BILINEAR)
    (first, box1), (second, box2) = view(base, 0, drawn), view(base, 1, drawn)
    return first, second, to_tensor(base), torch.stack([box1, box2])


class Folder(Dataset):
    def __init__(self, path):
        self.files = sorted(entry.path for entry in os.scandir(path))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with Image.open(self.files[index]) as picture:
            return views(picture)


def decode(sample):
    return views(Image.open(io.BytesIO(sample["jpg"])))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("kind", choices=["dataloader", "webdataset"])
    arguments.add_argument("path")
    arguments.add_argument("--workers", type=int, required=True)
    arguments.add_argument("--batch", type=int, required=True)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    about = f"PyTorch {torch.__version__} DataLoader, PIL {pillow}, {given.workers} workers"
    if given.kind == "dataloader":
        dataset, shuffle = Folder(given.path), True
    else:
        import webdataset

        about = f"WebDataset {webdataset.__version__}, " + about
        # Shards are drawn anew for ever, so every worker has its own order and no epoch ends.
        dataset = webdataset.WebDataset(given.path, shardshuffle=False, resampled=True, empty_check=False)
        dataset, shuffle = dataset.shuffle(1000).map(decode), None
    loader = DataLoader(
        dataset,
        batch_size=given.batch,
        num_workers=given.workers,
        shuffle=shuffle,
        drop_last=True,
        persistent_workers=True,
    )

    def endless():
        while True:
            yield from loader

    batches = endless()
    next(batches)
    print(json.dumps({"about": about}), flush=True)
    for line in sys.stdin:
        # What the workers had made ahead while nobody measured them does not count.
        for _ in range(2 * given.workers):
            next(batches)
        count, start = 0, time.perf_counter()
        while count < int(line):
            count += len(next(batches)[0])
        print(json.dumps({"images": count, "seconds": time.perf_counter() - start}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
