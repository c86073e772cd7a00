"""Distillation: a network learns to give the answers that a classifier gave.

Source:
    Hinton, Vinyals, Dean, 2015 (https://arxiv.org/abs/1503.02531); for attacks: Xiao et al., IJCAI 2018, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgan.gan.image_to_image import CENTRE, SPREAD
from robustgan.gan.surrogate import Surrogate
from robustgan.shapes import Float
from robustgan.tensors import Images, Logits, Rng

Answers = Float[Tensor, "n 2"]  # probabilities of benign and malignant

LAST = 0.1  # share of the peak learning rate at the end of its schedule
DECAY = 1e-2  # of weights
TINY = 1e-6  # probabilities below this are taken for it: float32 does not tell them well


class Imitator(nn.Module):
    """A compact DenseNet with two logits that takes images in [0, 1]."""

    def __init__(self, settings: Surrogate) -> None:
        from timm.models.densenet import DenseNet

        super().__init__()
        self.backbone = DenseNet(settings.growth_rate, settings.block_config, num_classes=2)
        if settings.stem == "half":  # one convolution of stride 2 and no pooling
            self.backbone.features.conv0 = nn.Conv2d(3, 2 * settings.growth_rate, 3, stride=2, padding=1, bias=False)
            self.backbone.features.pool0 = nn.Identity()
            nn.init.kaiming_normal_(self.backbone.features.conv0.weight)

    def forward(self, x: Images) -> Logits:
        """Two logits: benign, malignant."""
        logits: Tensor = self.backbone((x - CENTRE) / SPREAD)
        return logits


class Panel(nn.Module):
    """Several networks that learned the same; what fools their mean exploits no quirk of one of them."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def each(self, x: Images) -> list[Logits]:
        """The logits of each network."""
        return [network(x) for network in self.networks]

    def forward(self, x: Images) -> Logits:
        """Mean logits: the margin between them is the mean margin.

        Source: Liu, Chen, Liu, Song, ICLR 2017 (attacks on ensembles); Dong et al., CVPR 2018, section 3.3 (logits).
        """
        logits: Tensor = torch.stack(self.each(x)).mean(0)
        return logits


def cross_entropy(logits: Logits, answers: Answers) -> Float[Tensor, ""]:
    """Mean cross-entropy of the network's probabilities and the answers that it should give."""
    return -(answers * logits.float().log_softmax(1)).sum(1).mean()


def odds_apart(logits: Logits, answers: Answers) -> Float[Tensor, ""]:
    """Mean distance of the logarithms of the odds, in nats (within 1: half its square).

    Where a classifier is sure, its probabilities hardly move and the cross-entropy has nothing to teach; its odds do.

    Source: Truong et al., "Data-Free Model Extraction", CVPR 2021, section 3.2 (distance of logits, got back from
    probabilities).
    """
    known = answers.clamp_min(TINY).log()
    mine, theirs = logits.float().diff(dim=1), known.diff(dim=1)
    return functional.smooth_l1_loss(mine, theirs)


def moves_apart(logits: Logits, answers: Answers) -> Float[Tensor, ""]:
    """The same for what a change did to the odds; the first half of the rows is before the change, the second after."""
    known = answers.clamp_min(TINY).log()
    mine, theirs = (odds.diff(dim=1).chunk(2) for odds in (logits.float(), known))
    return functional.smooth_l1_loss(mine[1] - mine[0], theirs[1] - theirs[0])


def answers_of(logits: Logits, kind: str) -> Answers:
    """What a classifier tells: its probabilities, or 1 for its label and 0 for the other."""
    probabilities = logits.float().softmax(1)
    if kind == "probabilities":
        return probabilities
    return functional.one_hot(probabilities.argmax(1), probabilities.shape[1]).float()


def cosine(done: float) -> float:
    """Share of the peak learning rate after a share of the training."""
    return LAST + (1 - LAST) * 0.5 * (1 + math.cos(math.pi * done))


def shuffled(images: int, batch: int, rng: Rng) -> Iterator[Tensor]:
    """Row numbers in a new order; a last batch of one goes to the one before it: batch norm needs company."""
    parts = list(torch.split(torch.randperm(images, generator=rng), batch))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    yield from parts
