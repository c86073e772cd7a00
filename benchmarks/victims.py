"""The networks, images and budgets on which robustgan's attacks are held against those of others."""

from __future__ import annotations

from functools import cache, partial
from typing import NamedTuple

from torch import Tensor, nn

from benchmarks import planted, subtypes
from robustgan.interfaces import L2, Bounded, Linf

SEED = 2  # of the images that are attacked; networks learn from others


class Case(NamedTuple):
    """A network and what may be done to its images."""

    network: str
    classes: int
    threat: Bounded

    def build(self) -> nn.Module:
        """The trained network, frozen."""
        return _network(self.network, self.classes)

    def images(self, count: int) -> tuple[Tensor, Tensor]:
        """Images that it has not seen, and their classes."""
        return _images(self.network.partition(" ")[0], self.classes, count)


CASES = (
    Case("planted", 2, Linf(eps=8 / 255)),
    Case("planted", 4, Linf(eps=8 / 255)),
    Case("planted", 4, L2(eps=0.5)),
    Case("planted", 8, Linf(eps=8 / 255)),
    Case("subtypes", 8, Linf(eps=1 / 255)),
    Case("subtypes hardened", 8, Linf(eps=4 / 255)),
)


@cache
def _network(name: str, classes: int) -> nn.Module:
    ways = {"subtypes": partial(subtypes.network, False), "subtypes hardened": partial(subtypes.network, True)}
    return ways[name]() if name in ways else planted.network(classes)


@cache
def _images(problem: str, classes: int, count: int) -> tuple[Tensor, Tensor]:
    return subtypes.problem(count, SEED) if problem == "subtypes" else planted.problem(classes, count, SEED)
