"""DINO (Caron et al., arXiv 2104.14294): a student is taught by the moving average of itself."""

import copy
import math

import torch
from torch import nn
import torch.nn.functional as F

from learn_method import Peer
from learn_views import view
from learn_vit import Vit, small_weights

# Of the authors' main_dino.py: rate, decays, clipping, drop path, temperatures, centre, frozen last layer. Their help
# advises fewer prototypes for small data; solo-learn's setting for CIFAR-10 has 4,096, no blur, crops from .08 and no small
# views. The average begins at main_dino.py's .996: .9995, advised for small batches, is for runs of 100,000 steps.
DEFAULTS = dict(
    lr=5e-4, weightDecay=0.04, weightDecayEnd=0.4, warmup=0.1, betas=(0.9, 0.999), clip=3.0, dropPath=0.1,
    frozenPatch=False, plain=False, viewSize=0, prototypes=4096, headWidth=2048, bottleneck=256, studentTemperature=0.1, teacherTemperature=0.04,
    firstTeacherTemperature=0.04, temperatureWarmup=0.0, momentum=0.996, centreMomentum=0.9, freezeLast=0.01,
    scale=(0.08, 1), colour=0.8, brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1, grey=0.2, solarise=(0.0, 0.2),
    smallViews=0, smallScale=(0.05, 0.4),
)


class Head(nn.Module):
    """Three layers, codes of length 1, and a last layer whose rows have length 1."""

    def __init__(self, width, hidden, bottleneck, prototypes):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(),
                                 nn.Linear(hidden, bottleneck))
        self.apply(small_weights)
        self.last = nn.Parameter(torch.empty(prototypes, bottleneck))
        # As a linear layer begins.
        nn.init.kaiming_uniform_(self.last, math.sqrt(5))

    def forward(self, x):
        return F.normalize(self.mlp(x), dim=1) @ F.normalize(self.last, dim=1).T


def dino_loss(student, teacher, centre, student_temperature, teacher_temperature):
    """student: scores [N,K] of each view; teacher: of the first two. The mean over pairs of different views."""
    targets = [F.softmax((scores - centre) / teacher_temperature, 1).detach() for scores in teacher]
    guesses = [F.log_softmax(scores / student_temperature, 1) for scores in student]
    terms = [
        -(target * guess).sum(1).mean()
        for i, target in enumerate(targets) for j, guess in enumerate(guesses) if i != j
    ]
    return sum(terms) / len(terms)


class Method(Peer):
    def __init__(self, config, settings, classes):
        super().__init__(settings, Vit(config, settings["dropPath"], settings["frozenPatch"], plain=settings["plain"]))
        self.small = config["imageSize"] // 2
        if settings["smallViews"] and self.small % config["patchSize"]:
            raise ValueError(f"small views of {self.small} pixels are no whole number of patches")
        self.head = Head(config["width"], settings["headWidth"], settings["bottleneck"], settings["prototypes"])
        self.teacher = copy.deepcopy(self.encoder).eval().requires_grad_(False)
        self.teacher_head = copy.deepcopy(self.head).requires_grad_(False)
        self.register_buffer("centre", torch.zeros(1, settings["prototypes"]))

    def train(self, mode=True):
        """The teacher drops nothing."""
        super().train(mode)
        self.teacher.eval()
        return self

    def temperature(self, done):
        first, last, warmup = (self.settings[name] for name in (
            "firstTeacherTemperature", "teacherTemperature", "temperatureWarmup"))
        return last if done >= warmup else first + (last - first) * done / warmup

    def loss(self, pictures, labels, done):
        given, count = self.settings, len(pictures)
        both = torch.cat([view(pictures, given, number, given["viewSize"]) for number in (0, 1)])
        student = list(self.head(self.encoder(both)[:, 0]).split(count))
        if given["smallViews"]:
            drawn = {**given, "scale": given["smallScale"], "solarise": (0.0, 0.0)}
            small = torch.cat([view(pictures, drawn, 0, self.small) for _ in range(given["smallViews"])])
            student += self.head(self.encoder(small)[:, 0]).split(count)
        with torch.no_grad():
            scores = self.teacher_head(self.teacher(both)[:, 0])
        loss = dino_loss(student, scores.split(count), self.centre, given["studentTemperature"], self.temperature(done))
        momentum = given["centreMomentum"]
        self.centre = momentum * self.centre + (1 - momentum) * scores.mean(0, keepdim=True)
        return loss

    def before(self, done):
        """The last layer stands still at first."""
        if done < self.settings["freezeLast"]:
            self.head.last.grad = None

    @torch.no_grad()
    def after(self, done):
        """The teacher follows, ever more slowly."""
        start = self.settings["momentum"]
        momentum = 1 - (1 - start) * (1 + math.cos(math.pi * done)) / 2
        for own, followed in ((self.teacher, self.encoder), (self.teacher_head, self.head)):
            for average, value in zip(own.parameters(), followed.parameters()):
                average.lerp_(value, 1 - momentum)

    def trained(self):
        """The encoder that features are taken from: the authors take the teacher's."""
        return self.teacher
