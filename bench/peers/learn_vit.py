"""Our encoder as the peers of `bench learn` need it: the ViT of saae.py with what presets add to it, other initial weights,
hidden tokens, smaller pictures.
"""

import re

import torch
from torch import nn
import torch.nn.functional as F

from saae import Encoder, sincos


def small_weights(module):
    """Linear weights N(0, .02) truncated, biases 0: DINO's and timm's initial weights of a ViT."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def even_weights(module):
    """Glorot's uniform weights, biases 0: MAE's initial weights."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Halving(nn.Conv2d):
    """A convolution of the stem, a norm over its channels, and a GELU."""

    def __init__(self, start, end):
        super().__init__(start, end, 4, 2, 1, bias=False)
        nn.init.normal_(self.weight, std=(2 / (16 * start)) ** 0.5)
        self.norm = nn.LayerNorm(end, eps=1e-6)

    def forward(self, x):
        return F.gelu(self.norm(super().forward(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


class Stem(nn.Module):
    """Convolutions that halve a patch down to one token, each twice as wide as the one before, and a linear layer."""

    def __init__(self, patch, width):
        super().__init__()
        count = patch.bit_length() - 1
        widths = [3, *(width // 2 ** (count - 1 - i) for i in range(count))]
        self.convolutions = nn.ModuleList(Halving(start, end) for start, end in zip(widths, widths[1:]))
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        for convolution in self.convolutions:
            x = convolution(x)
        return self.proj(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Vit(Encoder):
    """Sizes are those of a run's configuration. Gives tokens [N,1+G²,d] after the final norm, class token first.

    plain: without the stem and the mixing of neighbours that a configuration may have; frozen_patch is for plain patches.
    """

    def __init__(self, config, drop_path=0.0, frozen_patch=False, initial=small_weights, plain=False):
        if config["mlpRatio"] != 4:
            raise ValueError("the peers' blocks are four times as wide inside")
        width, self.side = config["width"], config["patchSize"]
        super().__init__(config["imageSize"], self.side, width, config["depth"], config["heads"], drop_path)
        self.grid = config["imageSize"] // self.side
        self.stemmed = config.get("stem") == "convolutions" and not plain
        if self.stemmed:
            self.patch = Stem(self.side, width)
        else:
            self.patch.requires_grad_(not frozen_patch)
        mixed = config.get("localMixing", False) and not plain
        self.local = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1, groups=width) for _ in range(config["depth"] if mixed else 0)
        )
        for mixing in self.local:
            nn.init.normal_(mixing.weight, std=0.02)
            nn.init.zeros_(mixing.bias)
        self.apply(initial)

    def fix_positions(self):
        """Sines and cosines that are not trained, as MAE has them; the class token has none."""
        self.pos.data.copy_(sincos(self.grid, self.pos.shape[2]))
        self.pos.requires_grad_(False)

    def positions(self, grid):
        """Of the cells of a grid, [1,grid²,d]: those learned, resized where the picture is smaller."""
        own = self.pos[:, 1:]
        if grid == self.grid:
            return own
        own = own.transpose(1, 2).reshape(1, -1, self.grid, self.grid)
        return F.interpolate(own, (grid, grid), mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)

    def forward(self, images, keep=None):
        """keep: [N,K] numbers of the patches that are seen; all of them where it is left out."""
        x = self.patch(images)
        x = x.flatten(2).transpose(1, 2) + self.positions(x.shape[3])
        if keep is not None:
            x = x.gather(1, keep[..., None].expand(-1, -1, x.shape[2]))
        first = (self.cls + self.pos[:, :1]).expand(len(x), -1, -1)
        x = torch.cat([first, x], 1)
        for number, block in enumerate(self.blocks):
            if len(self.local) > 0:
                grid = images.shape[3] // self.side
                cells = x[:, 1:].transpose(1, 2).unflatten(2, (grid, grid))
                x = torch.cat([x[:, :1], x[:, 1:] + self.local[number](cells).flatten(2).transpose(1, 2)], 1)
            x = block(x)
        return self.norm(x)

    def weights(self):
        """Its tensors under our names."""
        first = "patch_embed." if self.stemmed else "patch_embed.proj."
        names = [(r"^cls$", "cls_token"), (r"^pos$", "pos_embed"), (r"^patch\.", first),
                 (r"^local\.(\d+)\.", r"blocks.\1.local."), (r"\.mlp\.0\.", ".mlp.fc1."), (r"\.mlp\.2\.", ".mlp.fc2.")]
        found = {}
        for name, values in self.state_dict().items():
            for own, ours in names:
                name = re.sub(own, ours, name)
            found["backbone." + name] = values
        return found
