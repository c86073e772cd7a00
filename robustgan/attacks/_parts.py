"""Settings of the strong attacks, each with its budget; alone they are attacks, together parts of an ensemble."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from robustgan.config import Spec
from robustgan.interfaces import Bounded, State
from robustgan.tensors import Images, Labels, Network

if TYPE_CHECKING:
    from robustgan.attacks._siege import Attempt, Outcome, Siege

Count = Annotated[int, Field(ge=1)]
Targets = Annotated[int, Field(ge=0, le=9)]


class Budget(NamedTuple):
    """What an attack costs an image that stands; a point that fools as floats alone costs one forward pass more."""

    runs: int
    steps: int  # of a run
    backwards: int  # gradients in all
    forwards: int  # forward passes in all


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


class Searching(Spec):
    """How the Square attack searches."""

    queries: Count = 1000  # images shown in the place of each; the image itself is shown once besides

    @property
    def label(self) -> str:
        """What tables call this search."""
        return "square"

    def budget(self, classes: int) -> Budget:
        """What the search costs an image."""
        return Budget(1, self.queries, 0, self.queries)

    def attempts(self, classes: int) -> Iterator[Attempt]:
        """The one search."""
        from functools import partial

        from robustgan.attacks import _square

        yield partial(_square.search, queries=self.queries)


class ClimbingPart(Climbing):
    """Auto-PGD as a part of an ensemble."""

    part: Literal["apgd"] = "apgd"


class WalkingPart(Walking):
    """FAB as a part of an ensemble."""

    part: Literal["fab"] = "fab"


class SearchingPart(Searching):
    """Square as a part of an ensemble."""

    part: Literal["square"] = "square"


Part = Annotated[ClimbingPart | WalkingPart | SearchingPart, Field(discriminator="part")]


def perturbed(siege: Siege, attempts: Iterator[Attempt]) -> Outcome:
    """Attack what is not wrong already."""
    from robustgan.attacks._siege import relay, untouched

    return relay(siege, [untouched, *attempts])[0]


def besieged(model: Network, x: Images, y: Labels, threat: Bounded, state: State) -> Siege:
    """The images of a plug-in: two logits, falls judged as 8 bits, in the part of the budget that 8 bits can use."""
    from robustgan.attacks._siege import WAIT, Siege, writable_part

    return Siege(model, x, y, writable_part(threat), state.seeds, wait=WAIT if x.is_cuda else 1)
