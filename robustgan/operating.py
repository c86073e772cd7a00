"""The operating point: the probability of malignant from which an image is called malignant, frozen before the test."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import nn

from robustgan.tensors import POSITIVE, Images, Logits, Network, Scores, Tensor

HALF = 0.5  # the operating point of a classifier that nobody placed


class Placed(nn.Module):
    """A classifier whose two logits are equal at its operating point.

    Everything that attacks it sees the boundary where decisions are made, and not at one half. Its probabilities stay
    its own: `score`.
    """

    def __init__(self, model: nn.Module, threshold: float) -> None:
        super().__init__()
        self.model, self.threshold = model, threshold
        self.offset = math.log(threshold / (1 - threshold))

    def forward(self, x: Images) -> Logits:
        """Logits, the one of malignant lowered by the logit of the threshold."""
        logits = cast(Tensor, self.model(x))
        lowered = torch.zeros_like(logits)
        lowered[:, POSITIVE] = self.offset
        return logits - lowered


def threshold_of(model: Network) -> float:
    """P(malignant) from which this classifier calls an image malignant."""
    return model.threshold if isinstance(model, Placed) else HALF


def plain(model: Network) -> Network:
    """The classifier itself, whose probabilities nothing has moved."""
    return model.model if isinstance(model, Placed) else model


def score(model: Network, x: Images) -> Scores:
    """P(malignant) of the classifier, whatever its operating point; not a number where its outputs are none."""
    with torch.no_grad():
        logits: Tensor = plain(model)(x).float()
    return logits.softmax(1)[:, POSITIVE]
