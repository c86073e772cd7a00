"""A gradient climb from the image itself, in short steps or in large blocks: no loud or fine pattern to detect.

Its images are among those that PGD may make, so against a sound classifier it is no better than PGD. Where it is, the
classifier reacts to the pattern of the noise and not to the image.

Source: Tramer, Carlini, Brendel, Madry 2020, "On adaptive attacks to adversarial example defenses", section 3 (a
defence that detects has to be attacked by images that it does not detect; https://arxiv.org/abs/2002.08347).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch.nn import functional

from robustgan.attacks._margin import margin, slope
from robustgan.attacks.pgd import PGD
from robustgan.interfaces import Bounded
from robustgan.tensors import Images, Labels, Network, Scores, Tensor


class Quiet(PGD):
    """PGD that sets out from the image, with steps that are constant in blocks."""

    threat: Bounded
    random_start: bool = False
    block: Annotated[int, Field(ge=1)] = 8  # pixels

    def climb(self, model: Network, x: Images, x_adv: Images, y: Labels) -> Iterator[tuple[Images, Scores]]:
        """Every point of the climb and its margin."""
        for _ in range(self.steps):
            value, gradient = slope(model, x_adv, y)
            yield x_adv, value
            move = self.threat.ascend(blocks(gradient, self.block), self.step * self.threat.eps)
            x_adv = self.threat.project(x, x_adv + move)
        with torch.no_grad():
            yield x_adv, margin(model(x_adv), y)


def blocks(gradient: Tensor, side: int) -> Tensor:
    """The gradient's mean over squares of `side` pixels."""
    mean = functional.avg_pool2d(gradient, side, ceil_mode=True)
    large: Tensor = functional.interpolate(mean, scale_factor=side, mode="nearest")
    return large[..., : gradient.shape[2], : gradient.shape[3]]
