"""A classifier whose answers are counted, and no more than a budget allows; the harness keeps its gradients back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

import torch
from torch import nn

from robustgan.attacks._ledger import Ledger, digest
from robustgan.errors import InputError, RunError
from robustgan.tensors import Images, Logits, Tensor

CHOOSING = 4  # one part in so many of the budget, at most, is for choosing the epoch


class SpentError(RunError):
    """The budget is used up, and part of it went for answers that a kill had cost."""


class Asked(nn.Module):
    """The victim behind its counter; with a ledger, a kill costs no answer that was written down."""

    def __init__(self, victim: nn.Module, budget: int) -> None:
        super().__init__()
        self.victim, self.budget = victim, budget
        self.ledger: Ledger | None = None
        self.used = self.measured = 0
        self.again = 0  # of both: answers that were bought once more, after a kill
        self.outside = False  # whether what is asked now serves a measurement, not the attack

    @property
    def left(self) -> int:
        """Images that the attack may still ask about."""
        return self.budget - self.used

    @torch.no_grad()
    def forward(self, x: Images) -> Logits:
        """Logits, in float32.

        Raises:
            RunError: the budget does not allow so many images; `SpentError`, where kills cost some of it.
        """
        key = digest(x) if self.ledger else b""
        known, lost = self.ledger.take(key) if self.ledger else (None, 0)
        self.again += lost
        self._count(lost)
        if not self.outside and len(x) > self.left:
            raise (SpentError if self.again else RunError)(
                f"advgan.queries: asked about {len(x)} images, but of {self.budget} only {self.left} are left; "
                f"{self.again} were asked about once more, after a kill."
            )
        self._count(len(x))
        return self._told(x, key) if known is None else known.to(x.device)

    def _count(self, images: int) -> None:
        if self.outside:
            self.measured += images
        else:
            self.used += images

    def _told(self, x: Images, key: bytes) -> Logits:
        if self.ledger:
            self.ledger.announce(key, len(x))
        logits = cast(Tensor, self.victim(x)).float()
        if self.ledger:
            self.ledger.write(logits)
        return logits

    def state(self) -> dict[str, int]:
        """What a checkpoint has to hold."""
        return {"used": self.used, "again": self.again, "place": self.ledger.place if self.ledger else 0}

    def resume(self, saved: dict[str, int]) -> None:
        """Go on from a checkpoint: what was asked since is known."""
        self.used, self.again = saved["used"], saved["again"]
        if self.ledger:
            self.ledger.place = saved["place"]

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


def choosing_of(budget: int, train: int, val: int, epochs: int) -> int:
    """Validation images that choose the epoch, where gradients are estimated.

    Raises:
        InputError: what is left is not one pair of answers for each training image in each epoch.
    """
    least = math.ceil(2 * train * epochs * CHOOSING / (CHOOSING - 1))
    if budget < least:
        raise InputError(
            f"advgan.queries: found {budget}, allowed are {least} and more with {epochs} epochs of {train} images: an "
            f"estimate takes two answers an image. Give more, or fewer epochs, or `knowledge: dynamic`."
        )
    return min(val, budget // (CHOOSING * (epochs + 1)))
