"""MAE (He et al., arXiv 2111.06377): the encoder sees a quarter of the patches, a light decoder paints the others."""

import torch
from torch import nn

from learn_method import Peer
from learn_views import view
from learn_vit import Vit, even_weights
from saae import Block, sincos

# Rate, decay, betas, masking, crops and targets of the paper's table 8 (and of the authors' main_pretrain.py).
# The encoder is plain: convolutions would show the encoder what is hidden, and need a whole grid. The decoder is as light beside this encoder as theirs beside a ViT-B: two thirds as wide, fewer blocks.
DEFAULTS = dict(
    lr=1.5e-4, weightDecay=0.05, weightDecayEnd=0.05, warmup=0.05, betas=(0.9, 0.95), clip=0.0, dropPath=0.0,
    frozenPatch=False, maskRatio=0.75, normalisePixels=True, decoderWidth=0, decoderDepth=2, decoderHeads=4,
    scale=(0.2, 1),
)


def hidden_patches(count, cells, ratio):
    """For each picture: the patches that are seen [N,K], and where each cell stands in the shuffled order [N,cells]."""
    order = torch.rand(count, cells).argsort(1)
    return order[:, : int(cells * (1 - ratio))], order.argsort(1)


def patches(images, side):
    """[N,3,S,S] as [N,G²,side²·3]."""
    count, channels, size, _ = images.shape
    grid = size // side
    x = images.reshape(count, channels, grid, side, grid, side)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(count, grid * grid, side * side * channels)


def painted_loss(given, images, side, hidden, normalise):
    """The mean squared error over the hidden patches; `normalise`: of pixels less their patch's mean, over its spread."""
    wanted = patches(images, side)
    if normalise:
        wanted = (wanted - wanted.mean(2, keepdim=True)) / (wanted.var(2, keepdim=True) + 1e-6).sqrt()
    error = ((given - wanted) ** 2).mean(2)
    return (error * hidden).sum() / hidden.sum()


class Decoder(nn.Module):
    def __init__(self, width, inner, depth, heads, grid, out):
        super().__init__()
        self.enter = nn.Linear(width, inner)
        self.mask = nn.Parameter(torch.randn(1, 1, inner) * 0.02)
        self.register_buffer("positions", sincos(grid, inner), persistent=False)
        self.blocks = nn.ModuleList(Block(inner, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(inner, eps=1e-6)
        self.out = nn.Linear(inner, out)
        self.apply(even_weights)

    def forward(self, tokens, places):
        """tokens: class token and those of the seen patches; places: where each cell stands behind the class token."""
        x = self.enter(tokens)
        rest = self.mask.expand(len(x), places.shape[1] - (x.shape[1] - 1), -1)
        cells = torch.cat([x[:, 1:], rest], 1).gather(1, places[..., None].expand(-1, -1, x.shape[2]))
        x = torch.cat([x[:, :1], cells], 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))[:, 1:]


class Method(Peer):
    def __init__(self, config, settings, classes):
        super().__init__(settings, Vit(config, settings["dropPath"], settings["frozenPatch"], even_weights, plain=True))
        self.side = config["patchSize"]
        self.encoder.fix_positions()
        nn.init.xavier_uniform_(self.encoder.patch.weight.data.view(config["width"], -1))
        heads = settings["decoderHeads"]
        # A multiple of 4 · heads, for the sines and cosines of the positions.
        inner = settings["decoderWidth"] or max(1, round(config["width"] * 2 / 3 / (4 * heads))) * 4 * heads
        self.decoder = Decoder(config["width"], inner, settings["decoderDepth"], heads, self.encoder.grid,
                               self.side**2 * 3)

    def loss(self, pictures, labels, done):
        images, cells = view(pictures, self.settings), self.encoder.grid**2
        keep, places = hidden_patches(len(images), cells, self.settings["maskRatio"])
        given = self.decoder(self.encoder(images, keep), places)
        hidden = (places >= keep.shape[1]).float()
        return painted_loss(given, images, self.side, hidden, self.settings["normalisePixels"])
