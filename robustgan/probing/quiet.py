"""A gradient climb from the image itself, in short steps or in large blocks: no loud or fine pattern to detect.

Its images are among those that PGD may make, so against a sound classifier it is no better than PGD. Where it is, the
classifier reacts to the pattern of the noise and not to the image.

Source: Tramer, Carlini, Brendel, Madry 2020, "On adaptive attacks to adversarial example defenses", section 3 (a
defence that detects has to be attacked by images that it does not detect; https://arxiv.org/abs/2002.08347).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch.nn import functional

from robustgan.attacks.pgd import PGD
from robustgan.interfaces import Bounded
from robustgan.tensors import Tensor


class Quiet(PGD):
    """PGD that sets out from the image, with steps that are constant in blocks."""

    threat: Bounded
    random_start: bool = False
    block: Annotated[int, Field(ge=1)] = 8  # pixels

    def move(self, gradient: Tensor) -> Tensor:
        """The step along the mean of the gradient over each block."""
        return super().move(blocks(gradient, self.block))


def blocks(gradient: Tensor, side: int) -> Tensor:
    """The gradient's mean over squares of `side` pixels."""
    mean = functional.avg_pool2d(gradient, side, ceil_mode=True)
    large: Tensor = functional.interpolate(mean, scale_factor=side, mode="nearest")
    return large[..., : gradient.shape[2], : gradient.shape[3]]
