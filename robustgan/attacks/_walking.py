"""Settings of FAB: alone it is an attack, with others a part of an ensemble. `_fab.py` has the walks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from robustgan.attacks._budget import Budget, Count
from robustgan.config import Spec

if TYPE_CHECKING:
    from robustgan.attacks._siege import Attempt


class Walking(Spec):
    """How FAB walks."""

    targets: Annotated[int, Field(ge=1, le=9)] = 9  # at most so many classes are walked to; with two there is one
    steps: Count = 100  # gradients a walk
    restarts: Count = 1  # walks an image and class

    @property
    def label(self) -> str:
        """What tables call these walks."""
        return "fab"

    def budget(self, classes: int) -> Budget:
        """What the walks cost an image: it is looked at once, and so is what a walk ends with."""
        runs = min(self.targets, classes - 1) * self.restarts
        return Budget(runs, self.steps, runs * self.steps, runs * (2 * self.steps + 2))

    def attempts(self, classes: int) -> Iterator[Attempt]:
        """The walks, in their order."""
        from robustgan.attacks import _fab

        return _fab.attempts(self, classes)
