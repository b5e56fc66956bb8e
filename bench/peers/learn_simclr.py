"""SimCLR (Chen et al., arXiv 2002.05709): two views, a head of a few layers, and the NT-Xent loss on what it gives."""

import torch
from torch import nn
import torch.nn.functional as F

from learn_method import Peer
from learn_views import view
from learn_vit import Vit

# Views, temperature and head of the paper's appendix B.9 (CIFAR-10): colour strength .5, no blur, temperature .5.
# Optimiser and frozen patch embedding of MoCo v3 (arXiv 2104.02057), which tells how to train a ViT with this loss.
DEFAULTS = dict(
    lr=1.5e-4, weightDecay=0.1, weightDecayEnd=0.1, warmup=0.1, betas=(0.9, 0.999), clip=0.0, dropPath=0.0,
    frozenPatch=True, plain=False, viewSize=0, temperature=0.5, headLayers=2, headWidth=2048, codeWidth=128,
    scale=(0.08, 1), colour=0.8, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, grey=0.2,
)


def nt_xent(first, second, temperature):
    """The mean over all 2N codes of the cross-entropy of finding the other view of the same picture."""
    count, codes = len(first), F.normalize(torch.cat([first, second]), dim=1)
    alike = codes @ codes.T / temperature
    alike.fill_diagonal_(-torch.inf)
    return F.cross_entropy(alike, torch.arange(2 * count).roll(count))


def head(width, hidden, out, layers):
    """Linear layers without bias, each with batch norm, ReLU between them: the authors' head."""
    parts = []
    for number in range(layers):
        last = number == layers - 1
        parts += [nn.Linear(width, out if last else hidden, bias=False), nn.BatchNorm1d(out if last else hidden)]
        parts += [] if last else [nn.ReLU()]
        width = hidden
    return nn.Sequential(*parts)


class Method(Peer):
    def __init__(self, config, settings, classes):
        super().__init__(settings, Vit(config, settings["dropPath"], settings["frozenPatch"], plain=settings["plain"]))
        self.head = head(config["width"], settings["headWidth"], settings["codeWidth"], settings["headLayers"])

    def loss(self, pictures, labels, done):
        views = torch.cat([view(pictures, self.settings, number, self.settings["viewSize"]) for number in (0, 1)])
        return nt_xent(*self.head(self.encoder(views)[:, 0]).chunk(2), self.settings["temperature"])
