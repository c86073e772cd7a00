"""Projected gradient descent: many small steps, each brought back into the budget; the best point counts.

Source: Madry, Makelov, Schmidt, Tsipras, Vladu 2018, "Towards deep learning models resistant to adversarial
attacks", sections 2.1 and 5 (https://arxiv.org/abs/1706.06083). Without a random start it is the basic
iterative method of Kurakin, Goodfellow, Bengio 2017 (https://arxiv.org/abs/1607.02533).
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, model_validator

from robustgan.attacks._margin import margin, slope
from robustgan.config import Number
from robustgan.errors import RunError
from robustgan.interfaces import Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network, Scores


class PGD(Attack):
    """Climbs the margin of the wrong class from a random point of the budget."""

    access = "white-box"

    threat: Bounded
    steps: Annotated[int, Field(ge=1)] = 20  # gradients a climb
    step: Annotated[Number, Field(gt=0)] = 0.25  # length of a step, as a share of eps
    restarts: Annotated[int, Field(ge=1)] = 1  # climbs an image
    random_start: bool = True  # False: one climb, from the image itself

    @model_validator(mode="after")
    def _restarts_differ(self) -> "PGD":
        if self.restarts > 1 and not self.random_start:
            raise ValueError(f"found restarts: {self.restarts} without random_start: all would be the same.")
        return self

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Return, for each image, the point of all climbs where the wrong class is furthest ahead.

        Raises:
            RunError: the classifier's outputs or gradients are not finite.
        """
        import torch

        best, height = x, torch.full((len(x),), -torch.inf, device=x.device)
        for restart in range(self.restarts):
            for x_adv, value in self.climb(model, x, self.start(x, state, restart), y):
                best = torch.where((value > height).view(-1, 1, 1, 1), x_adv, best)
                height = torch.maximum(value, height)  # a NaN stays, so that it is seen below
        if not torch.isfinite(height).all():
            raise RunError("the outputs of the classifier are not finite.")
        return best

    def start(self, x: Images, state: State, restart: int) -> Images:
        """Where a climb begins; it depends on the image's seed and on the restart alone."""
        from robustgan.draws import seed_of, uniform

        if not self.random_start:
            return x
        unit = uniform([seed_of(seed, restart) for seed in state.seeds], x.shape[1:], x.device)
        return self.threat.project(x, x + self.threat.start(unit))

    def climb(self, model: Network, x: Images, x_adv: Images, y: Labels) -> Iterator[tuple[Images, Scores]]:
        """Every point of a climb and its margins, the start first: `steps` gradients, then a forward pass."""
        import torch

        for _ in range(self.steps):
            value, gradient = slope(model, x_adv, y)
            yield x_adv, value
            x_adv = self.threat.project(x, x_adv + self.threat.ascend(gradient, self.step * self.threat.eps))
        with torch.no_grad():
            yield x_adv, margin(model(x_adv), y)
