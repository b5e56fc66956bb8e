"""The ViT of saae.py as the peers of `bench learn` need it: other initial weights, hidden tokens, smaller pictures."""

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


class Vit(Encoder):
    """Sizes are those of a run's configuration. Gives tokens [N,1+G²,d] after the final norm, class token first."""

    def __init__(self, config, drop_path=0.0, frozen_patch=False, initial=small_weights):
        if config["mlpRatio"] != 4:
            raise ValueError("the peers' blocks are four times as wide inside")
        super().__init__(config["imageSize"], config["patchSize"], config["width"], config["depth"], config["heads"],
                         drop_path)
        self.grid = config["imageSize"] // config["patchSize"]
        self.patch.requires_grad_(not frozen_patch)
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
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def weights(self):
        """Its tensors under timm's names."""
        names = [("cls", "cls_token"), ("pos", "pos_embed"), ("patch.", "patch_embed.proj.")]
        found = {}
        for name, values in self.state_dict().items():
            for own, theirs in names:
                if name == own or (own.endswith(".") and name.startswith(own)):
                    name = theirs + name[len(own):]
                    break
            found[name.replace(".mlp.0.", ".mlp.fc1.").replace(".mlp.2.", ".mlp.fc2.")] = values
        return found
