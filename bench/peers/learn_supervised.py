"""The ceiling: the same ViT, taught the classes."""

from torch import nn
import torch.nn.functional as F

from learn_method import Peer
from learn_views import view
from learn_vit import Vit

# DeiT (arXiv 2012.12877, table 9): rate 5e-4 for 512 pictures, decay .05, smoothing .1, drop path .1. Its mixing of
# pictures is for hundreds of epochs and is left out; the random crops, flips and colours stay.
DEFAULTS = dict(
    lr=2.5e-4, weightDecay=0.05, weightDecayEnd=0.05, warmup=0.05, betas=(0.9, 0.999), clip=0.0, dropPath=0.1,
    frozenPatch=False, plain=False, viewSize=0, smoothing=0.1,
    scale=(0.25, 1), colour=0.8, brightness=0.3, contrast=0.3, saturation=0.3, hue=0.0,
)


class Method(Peer):
    def __init__(self, config, settings, classes):
        super().__init__(settings, Vit(config, settings["dropPath"], settings["frozenPatch"], plain=settings["plain"]))
        self.head = nn.Linear(config["width"], classes)

    def loss(self, pictures, labels, done):
        tokens = self.encoder(view(pictures, self.settings, 0, self.settings["viewSize"]))
        return F.cross_entropy(self.head(tokens[:, 0]), labels, label_smoothing=self.settings["smoothing"])
