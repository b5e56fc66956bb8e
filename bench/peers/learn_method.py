"""What the methods of `bench learn` have in common: an encoder, and hooks around a step that most leave empty."""

from torch import nn


class Peer(nn.Module):
    """A method. Its `loss(pictures, labels, done)` takes [B,3,S,S] from 0 to 1; done: the share of the run, 0 to 1."""

    def __init__(self, settings, encoder):
        super().__init__()
        self.settings, self.encoder = settings, encoder

    def before(self, done):
        """Called between the gradients and the optimiser's step."""

    def after(self, done):
        """Called after the optimiser's step."""

    def trained(self):
        """The encoder that features are taken from."""
        return self.encoder
