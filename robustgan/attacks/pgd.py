"""Projected gradient descent: many small steps, each brought back into the budget; the best point counts.

Source: Madry, Makelov, Schmidt, Tsipras, Vladu 2018, "Towards deep learning models resistant to adversarial
attacks", sections 2.1 and 5 (https://arxiv.org/abs/1706.06083). Without a random start it is the basic
iterative method of Kurakin, Goodfellow, Bengio 2017 (https://arxiv.org/abs/1607.02533).
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from robustgan.config import Number
from robustgan.interfaces import Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network, Tensor


class PGD(Attack):
    """Climbs the margin of the wrong class from a random point of the budget."""

    access = "white-box"

    threat: Bounded
    steps: Annotated[int, Field(ge=1)] = 20  # gradients a climb
    step: Annotated[Number, Field(gt=0)] = 0.25  # length of a step, as a share of eps
    restarts: Annotated[int, Field(ge=1)] = 1  # climbs an image
    random_start: bool = True  # False: one climb, from the image itself
    until: Literal["end", "fooled"] = "end"  # fooled: an image's climb ends once it fools; faster, for verdicts alone

    @model_validator(mode="after")
    def _restarts_differ(self) -> "PGD":
        if self.restarts > 1 and not self.random_start:
            raise ValueError(f"found restarts: {self.restarts} without random_start: all would be the same.")
        return self

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Return, for each image, the point of all climbs where the wrong class is furthest ahead.

        With `until: fooled` an image's climbs end at the first point found that fools as 8 bits inside the budget.

        Raises:
            RunError: the classifier's outputs or gradients are not finite.
        """
        from robustgan.attacks._peak import Peak
        from robustgan.attacks._siege import besieged

        siege = besieged(model, x, y, self.threat, state)
        peak, within = Peak.before(siege), self.model_copy(update={"threat": siege.threat})
        for restart in range(self.restarts):
            peak.climb(within.start(x, state, restart), self.steps, within.move, drop=self.until == "fooled")
        return peak.found()

    def start(self, x: Images, state: State, restart: int) -> Images:
        """Where a climb begins; it depends on the image's seed and on the restart alone."""
        from robustgan.draws import seed_of, uniform

        if not self.random_start:
            return x
        unit = uniform([seed_of(seed, restart) for seed in state.seeds], x.shape[1:], x.device)
        return self.threat.project(x, x + self.threat.start(unit))

    def move(self, gradient: Tensor) -> Tensor:
        """The step that is taken along a gradient."""
        return self.threat.ascend(gradient, self.step * self.threat.eps)
