"""Embeds pictures with a ViT in plain PyTorch: DataLoader, PIL, class token and mean patch token of the last block.

After every batch it adds a line to the file of marks; at the end it writes all features to a safetensors file.
"""

import functools

import torch
from PIL import Image
from torch.utils.data import DataLoader

from data import to_tensor
from pictures import Marks, open_pictures
from train import build, command_line
from weights import load, read_safetensors, write_safetensors


def evaluation_picture(picture, size):
    """Shorter side to 8/7 of the size, bicubic, then the centre."""
    short, shorter = min(picture.size), round(size * 256 / 224)
    picture = picture.resize([int(shorter * (side / short)) for side in picture.size], Image.BICUBIC)
    left, top = (round((side - size) / 2) for side in picture.size)
    return to_tensor(picture.crop((left, top, left + size, top + size)))


def main():
    given, config = command_line("--batch")
    dataset = open_pictures(given.pictures, functools.partial(evaluation_picture, size=config["imageSize"]))
    loader = DataLoader(dataset, batch_size=given.batch, num_workers=given.workers)
    model = build(config)
    load(model, read_safetensors(given.weights))
    encoder = model.encoder.eval()
    if given.compile:
        encoder = torch.compile(encoder)
    marks, done, classes, means = Marks(given.marks), 0, [], []
    with torch.inference_mode():
        for images in loader:
            tokens = encoder(images)
            classes.append(tokens[:, 0].clone())
            means.append(tokens[:, 1:].mean(1))
            done += len(images)
            marks.write(images=done)
    write_safetensors(given.out, {"class": torch.cat(classes), "mean": torch.cat(means)})


if __name__ == "__main__":
    main()
