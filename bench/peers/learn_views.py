"""Random views of a batch of pictures, all at once on tensors: nobody waits for PIL.

Pictures are [N,3,S,S] from 0 to 1; views are normalised.
"""

import math

import torch
import torch.nn.functional as F

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
GREY = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
# How views are drawn where a method says nothing else. `blur` and `solarise` are chances in view 1 and view 2.
PLAIN = dict(
    scale=(0.08, 1), ratio=(3 / 4, 4 / 3), flip=0.5, colour=0.0, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1,
    grey=0.0, blur=(0.0, 0.0), solarise=(0.0, 0.0),
)


def some(count, chance):
    """Which of so many pictures, [N,1,1,1]."""
    return (torch.rand(count) < chance).view(-1, 1, 1, 1)


def around(count, reach):
    return torch.empty(count, 1, 1, 1).uniform_(max(0.0, 1 - reach), 1 + reach)


def crop_boxes(count, side, scale, ratio, tries=10):
    """Centres and sizes [N,2] in pixels (x, y): torchvision's law, the first of ten tries that fits, else all."""
    area = torch.empty(tries, count).uniform_(*scale) * side * side
    shape = torch.exp(torch.empty(tries, count).uniform_(math.log(ratio[0]), math.log(ratio[1])))
    width, height = (area * shape).sqrt().round().clamp(min=1), (area / shape).sqrt().round().clamp(min=1)
    fits = (width <= side) & (height <= side)
    first = fits.float().argmax(0, keepdim=True)
    none = ~fits.any(0)
    sizes = [torch.where(none, side, part.gather(0, first)[0]) for part in (width, height)]
    starts = [((side - size + 1) * torch.rand(count)).floor() for size in sizes]
    sizes, starts = torch.stack(sizes, 1), torch.stack(starts, 1)
    return starts + sizes / 2, sizes


def crop(pictures, size, drawn):
    """Random crops, mirrored now and then, resized to size × size."""
    count, _, side, _ = pictures.shape
    centres, sizes = crop_boxes(count, side, drawn["scale"], drawn["ratio"])
    scales, shifts = sizes / side, 2 * centres / side - 1
    mirror = torch.where(torch.rand(count) < drawn["flip"], -1.0, 1.0)
    change = torch.zeros(count, 2, 3)
    change[:, 0, 0], change[:, 0, 2] = scales[:, 0] * mirror, shifts[:, 0]
    change[:, 1, 1], change[:, 1, 2] = scales[:, 1], shifts[:, 1]
    grid = F.affine_grid(change, (count, 3, size, size), align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def hue_turned(x, turns):
    """turns: [N,1,1,1] in parts of a whole turn, by way of HSV."""
    value, _ = x.max(1, keepdim=True)
    spread = value - x.amin(1, keepdim=True)
    red, green, blue = x.split(1, 1)
    safe = spread.clamp(min=1e-8)
    hue = torch.where(value == red, (green - blue) / safe,
                      torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe))
    hue = hue / 6 + turns
    # The same colour with another hue: each channel is the value less its share of the spread.
    offsets = torch.tensor([5.0, 3.0, 1.0]).view(1, 3, 1, 1)
    place = (offsets + 6 * hue) % 6
    return value - spread * torch.minimum(place, 4 - place).clamp(0, 1)


def colours(x, drawn):
    """The four colour changes in an order that the batch shares; each picture has strengths of its own."""
    count, jittered = len(x), some(len(x), drawn["colour"])
    grey = lambda p: (p * GREY.to(p.device)).sum(1, keepdim=True)
    mixed = lambda p, other, factor: (other + factor * (p - other)).clamp(0, 1)
    strength = lambda name: torch.where(jittered, around(count, drawn[name]), 1.0)
    turns = torch.where(jittered, torch.empty(count, 1, 1, 1).uniform_(-drawn["hue"], drawn["hue"]), 0.0)
    changes = [
        lambda p: (p * strength("brightness")).clamp(0, 1),
        lambda p: mixed(p, grey(p).mean((2, 3), keepdim=True), strength("contrast")),
        lambda p: mixed(p, grey(p), strength("saturation")),
        lambda p: hue_turned(p, turns),
    ]
    for number in torch.randperm(4).tolist():
        x = changes[number](x)
    return x


def blurred(x, chance):
    """Gaussian blur of radius .1 to 2 pixels."""
    count, reach = len(x), 4
    sigma = torch.empty(count, 1).uniform_(0.1, 2.0)
    at = torch.arange(-reach, reach + 1).float()
    kernel = torch.exp(-at**2 / (2 * sigma**2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)
    flat = x.reshape(1, 3 * count, *x.shape[2:])
    flat = F.conv2d(F.pad(flat, (reach, reach, 0, 0), "replicate"), kernel[:, None, None], groups=3 * count)
    flat = F.conv2d(F.pad(flat, (0, 0, reach, reach), "replicate"), kernel[:, None, :, None], groups=3 * count)
    return torch.where(some(count, chance), flat.view_as(x), x)


def view(pictures, drawn, number=0, size=None):
    """View 1 or 2 (number 0 or 1) of each picture, normalised."""
    x = crop(pictures, size or pictures.shape[3], drawn)
    count = len(x)
    if drawn["colour"] > 0:
        x = colours(x, drawn)
    if drawn["grey"] > 0:
        x = torch.where(some(count, drawn["grey"]), (x * GREY.to(x.device)).sum(1, keepdim=True), x)
    if drawn["blur"][number] > 0:
        x = blurred(x, drawn["blur"][number])
    if drawn["solarise"][number] > 0:
        x = torch.where(some(count, drawn["solarise"][number]) & (x >= 0.5), 1 - x, x)
    return (x - MEAN.to(x.device)) / STD.to(x.device)
