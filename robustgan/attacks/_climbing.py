"""Settings of Auto-PGD: alone it is an attack, with others a part of an ensemble. `_apgd.py` has the climbs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from robustgan.attacks._budget import Budget, Count
from robustgan.config import Spec

if TYPE_CHECKING:
    from robustgan.attacks._siege import Attempt

Targets = Annotated[int, Field(ge=0, le=9)]


class Climbing(Spec):
    """How Auto-PGD climbs."""

    loss: Literal["ce", "margin"] = "ce"  # with two classes both are climbed along the same path, from other starts
    targets: Targets = 0  # so many other classes are aimed at, one climb each; with two classes that changes nothing
    steps: Count = 100  # gradients a climb
    restarts: Count = 1  # climbs an image, and class aimed at

    @model_validator(mode="after")
    def _targets_have_margins(self) -> Climbing:
        if self.targets and self.loss == "ce":
            raise ValueError(f"found targets: {self.targets} with loss ce: to aim at a class set `loss: margin`")
        return self

    @property
    def label(self) -> str:
        """What tables call these climbs."""
        return "apgd-targeted" if self.targets else f"apgd-{self.loss}"

    def budget(self, classes: int) -> Budget:
        """What the climbs cost an image; to aim at a class, the image is looked at once."""
        aims = self.aims(classes)
        runs = max(1, aims) * self.restarts
        return Budget(runs, self.steps, runs * self.steps, runs * (self.steps + 1 + bool(aims)))

    def aims(self, classes: int) -> int:
        """Classes aimed at; with two, the one that could be is the one that all climbs lead to."""
        return min(self.targets, classes - 1) if classes > 2 else 0

    def attempts(self, classes: int) -> Iterator[Attempt]:
        """The climbs, in their order."""
        from robustgan.attacks import _apgd

        return _apgd.attempts(self, classes)
