"""The strong ensemble: Auto-PGD on two losses, FAB and Square, each on the images that those before left standing.

Source: the protocol is that of Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble
of diverse parameter-free attacks", section 6 (https://arxiv.org/abs/2003.01690). Theirs needs four classes, and nine
other classes to aim at; this one takes two and more.
"""

from typing import Annotated

from pydantic import Field, field_validator

from robustgan.attacks._budget import Budget
from robustgan.attacks._parts import ClimbingPart, Part, SearchingPart, WalkingPart
from robustgan.interfaces import Access, Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network

STANDARD = (
    ClimbingPart(),
    ClimbingPart(loss="margin", targets=9),
    WalkingPart(),
    SearchingPart(queries=5000),
)


class Ensemble(Attack):
    """The worst that its parts can do to each image; an image is down when it fools as 8 bits inside the budget.

    The generators are attacks of their own: the report's worst case joins them with this one.
    """

    threat: Bounded
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = STANDARD  # in their order, each with its budget

    @property
    def access(self) -> Access:  # type: ignore[override]  # the settings decide, so no class attribute can say it
        """Of a classifier that only answers, an ensemble of `part: square` alone is possible."""
        return "query" if all(part.part == "square" for part in self.parts) else "white-box"

    @field_validator("parts")
    @classmethod
    def _parts_differ(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        labels = [part.label for part in parts]
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise ValueError(f"found {', '.join(twice)} twice: give one part more `restarts`, `steps` or `queries`.")
        return parts

    def budgets(self, classes: int = 2) -> dict[str, Budget]:
        """What each part costs an image that stands; besides, each image is looked at once."""
        return {part.label: part.budget(classes) for part in self.parts}

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Return the first image that fools; where none does, the one with the highest margin of all parts.

        `state.solvers` learns which part fooled. Where the classifier gives no gradients, `part: square` decides.

        Raises:
            RunError: the classifier's outputs or gradients are not finite, or it gives none and no part does without.
        """
        from robustgan.attacks._ensemble import assault
        from robustgan.attacks._siege import besieged

        return assault(besieged(model, x, y, self.threat, state), self.parts, state.solvers).x_adv
