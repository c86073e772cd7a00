"""The best point that each image's climbs have come to, and which images climb on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from robustgan.attacks._margin import margin, raw_slope
from robustgan.attacks._siege import Siege, ahead
from robustgan.counting import focus
from robustgan.errors import RunError
from robustgan.tensors import Images, Scores


@dataclass
class Peak:
    """Where the wrong class was furthest ahead so far, image by image."""

    siege: Siege
    best: Images
    height: Scores  # the margin there
    asked: Scores  # the margin there when its 8-bit image was last shown to the classifier
    rows: Tensor  # images that stand
    sound: Tensor  # whether all gradients were finite; read once, at the end

    @classmethod
    def before(cls, siege: Siege) -> Peak:
        """No point was visited yet."""
        low = torch.full((len(siege.y),), -torch.inf, device=siege.x.device)
        rows = torch.arange(len(siege.y), device=siege.x.device)
        sound = torch.ones((), dtype=torch.bool, device=siege.x.device)
        return cls(siege, siege.x.clone(), low, torch.zeros_like(low), rows, sound)

    def climb(self, starts: Images, steps: int, move: Callable[[Tensor], Tensor], drop: bool) -> None:
        """Climb from `starts` where an image stands: `steps` gradients, then a forward pass.

        Args:
            starts: a point of each image, of those that have fallen too.
            steps: gradients.
            move: from a gradient to the step along it.
            drop: let an image go once its best point so far fools as 8 bits inside the budget.
        """
        x_adv, threat = starts[self.rows], self.siege.threat
        for taken in range(steps):
            rows = self.rows
            if not len(rows):
                return
            with focus(self.siege.model, rows):
                value, gradient = raw_slope(self.siege.model, x_adv, self.siege.y[rows])
            self.sound = self.sound & torch.isfinite(gradient.sum())
            self.keep(x_adv, value)
            if drop and self.siege.due(taken):
                stays = self.stands()
                self.rows, x_adv, gradient = rows[stays], x_adv[stays], gradient[stays]
            x_adv = threat.project(self.siege.x[self.rows], x_adv + move(gradient))
        if len(self.rows):
            with torch.no_grad(), focus(self.siege.model, self.rows):
                self.keep(x_adv, margin(self.siege.model(x_adv), self.siege.y[self.rows]))
        if drop:
            self.rows = self.rows[self.stands()]

    def keep(self, points: Images, value: Scores) -> None:
        """Take in new points of the images that stand."""
        before = self.height[self.rows]
        better = (value > before).view(-1, 1, 1, 1)
        self.best[self.rows] = torch.where(better, points, self.best[self.rows])
        self.height[self.rows] = torch.maximum(value, before)  # a NaN stays, so that it is seen at the end

    def stands(self) -> Tensor:
        """Which of the images that stood do still: places in `rows`. What fell is kept as it would be written.

        A fall is seen on the 8-bit image alone, so every image that the whole climb would fool falls: either one of
        its points fooled as 8 bits, or its best point is the one that the whole climb would have ended with.
        """
        height = self.height[self.rows]
        hit = (height > self.asked[self.rows]).nonzero().flatten()
        if not len(hit):
            return torch.arange(len(self.rows), device=height.device)
        which = self.rows[hit]
        self.asked[which] = height[hit]
        eight = self.siege.sent(self.best[which], which)
        down = ahead(self.siege.ask(eight, which), self.siege.y[which])
        self.best[which[down]] = eight[down]
        return torch.ones_like(self.rows).bool().index_fill_(0, hit[down], False).nonzero().flatten()

    def found(self) -> Images:
        """The best points.

        Raises:
            RunError: outputs or gradients were not finite. The sign of NaN is 0: the climb stood still, and seemed
                weak.
        """
        self.siege.look()
        if not self.sound:
            raise RunError("the gradients of the classifier are not finite.")
        if not torch.isfinite(self.height).all():
            raise RunError("the outputs of the classifier are not finite.")
        return self.best
