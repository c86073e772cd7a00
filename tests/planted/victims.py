"""Sound classifiers for the zoo: a linear one, a small CNN, and the same CNN trained against attacks."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from robustgan import training
from robustgan.experiment import Adversarial, Training
from robustgan.interfaces import Samples
from robustgan.journal import Journal
from tests.conftest import Linear, samples_of

SIDE = 24  # pixels
EPS = 8 / 255


@cache
def tissue(n: int, seed: int) -> Samples:
    """Blotchy pictures: malignant ones have smaller blotches and are a little darker and bluer; noise on top."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    coarse = functional.interpolate(torch.randn(n, 1, 4, 4, generator=rng), size=(SIDE, SIDE), mode="bicubic")
    fine = functional.interpolate(torch.randn(n, 1, 10, 10, generator=rng), size=(SIDE, SIDE), mode="bicubic")
    blotches = torch.where(labels.view(-1, 1, 1, 1) == 1, fine, coarse)
    tint = torch.tensor([0.62, 0.45, 0.60]) + torch.randn(n, 3, generator=rng) * 0.05
    shift = torch.tensor([-0.06, -0.03, 0.03]) * labels.view(-1, 1)
    images = (tint + shift).view(n, 3, 1, 1) + 0.08 * blotches + 0.03 * torch.randn(n, 3, SIDE, SIDE, generator=rng)
    return samples_of((images * 255).round().clamp(0, 255).to(torch.uint8), labels)


def cnn() -> nn.Sequential:
    """Three convolutions with batch norm."""
    return nn.Sequential(
        *(nn.Conv2d(3, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.ReLU()),
        *(nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.BatchNorm2d(24), nn.ReLU()),
        *(nn.Conv2d(24, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 2)),
    )


@cache
def trained(eps: float = 0.0) -> nn.Module:
    """The CNN, trained on images (eps 0) or on their worst neighbours."""
    torch.manual_seed(0)
    network = cnn()
    rule = Training(
        epochs=12, patience=12, batch=32, lr=5e-3, stain=0, adversarial=Adversarial(eps=eps) if eps else None
    )
    with tempfile.TemporaryDirectory() as folder:
        training.train(network, tissue(384, 0), tissue(128, 1), rule, 0, Journal(Path(folder)))
    return network.eval()


@cache
def linear() -> nn.Module:
    """The difference of the classes' means, weakened by noise in the weights so that clean images are not easy."""
    some = tissue(384, 0)
    x = some.images.float() / 255
    weight = x[some.labels == 1].mean(0) - x[some.labels == 0].mean(0)
    odds = ((x * weight).flatten(1).sum(1)).sort().values
    return Linear(weight, bias=-float(odds[len(odds) // 2])).eval()
