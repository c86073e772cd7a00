"""A classifier whose answers are counted, and no more than a budget allows; the harness keeps its gradients back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

from torch import nn

from robustgan.errors import InputError, RunError
from robustgan.tensors import Images, Logits, Tensor

CHOOSING = 4  # one part in so many of the budget, at most, is for choosing the epoch


class Asked(nn.Module):
    """The victim behind its counter."""

    def __init__(self, victim: nn.Module, budget: int) -> None:
        super().__init__()
        self.victim, self.budget = victim, budget
        self.used = self.measured = 0
        self.outside = False  # whether what is asked now serves a measurement, not the attack

    @property
    def left(self) -> int:
        """Images that the attack may still ask about."""
        return self.budget - self.used

    def forward(self, x: Images) -> Logits:
        """Logits.

        Raises:
            RunError: the budget does not allow so many images.
        """
        if self.outside:
            self.measured += len(x)
        elif len(x) > self.left:
            raise RunError(
                f"advgan.queries: asked about {len(x)} images, but of {self.budget} only {self.left} are left."
            )
        else:
            self.used += len(x)
        return cast(Tensor, self.victim(x))

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """What is asked meanwhile is counted apart: it describes the finished attack and teaches it nothing."""
        self.outside = True
        try:
            yield
        finally:
            self.outside = False


class Plan(NamedTuple):
    """How many images the attack asks about before the first epoch."""

    choosing: int  # validation images; those that are right are asked about again, changed, after each epoch
    clean: int  # training images as they are, for a surrogate that learns about no others


def plan(budget: int, train: int, val: int, epochs: int, dynamic: bool) -> Plan:
    """Share a budget: at most a quarter chooses the epoch, the rest is to learn from.

    Raises:
        InputError: nothing is left to learn from.
    """
    choosing = min(val, max(1, budget // (CHOOSING * (epochs + 1))))
    rest = budget - choosing * (epochs + 1)
    if rest < 2:
        least = epochs + 1 + 2
        raise InputError(
            f"advgan.queries: found {budget}, allowed are {least} and more with {epochs} epochs. Choosing the epoch "
            f"takes {choosing * (epochs + 1)}, and the surrogate learns from the rest."
        )
    return Plan(choosing, 0 if dynamic else min(train, rest))


def pairs_in(left: int, turns: int, most: int) -> int:
    """Pairs of images to ask about in this turn, so that what is left lasts for all turns to come."""
    return max(0, min(most, left // (2 * turns)))


def pairs_of(budget: int, train: int, val: int, epochs: int) -> tuple[int, int]:
    """Validation images that choose the epoch, and pairs of answers for each training image in each epoch.

    Raises:
        InputError: there is not one pair an image.
    """
    choosing = min(val, budget // (CHOOSING * (epochs + 1)))
    pairs = (budget - choosing * (epochs + 1)) // (2 * train * epochs)
    least = math.ceil(2 * train * epochs * CHOOSING / (CHOOSING - 1))
    if budget < least:
        raise InputError(
            f"advgan.queries: found {budget}, allowed are {least} and more with {epochs} epochs of {train} images: an "
            f"estimate takes two answers an image. Give more, or fewer epochs, or `knowledge: dynamic`."
        )
    return choosing, pairs
