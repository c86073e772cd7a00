"""Auto-PGD on any loss: every image halves its own step when its climb stalls, and goes on from its best point.

Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks", section 3 and algorithm 1 (https://arxiv.org/abs/2003.01690).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from robustgan.attacks import _leads
from robustgan.attacks._leads import Loss, lead
from robustgan.attacks._siege import Attempt, Outcome, Siege, Slope
from robustgan.draws import seed_of, uniform
from robustgan.interfaces import Bounded

if TYPE_CHECKING:
    from robustgan.attacks._climbing import Climbing

FIRST = 2.0  # length of the first step, in eps
MOMENTUM = 0.75  # weight of the new step; the rest goes on as the last one
RISING = 0.75  # share of steps that must have risen for a step length to be kept


class Climb(NamedTuple):
    """Where each of n climbs stands."""

    rows: Tensor  # whose climb it is
    target: Tensor
    x_adv: Tensor
    before: Tensor  # the point before
    value: Tensor  # of the loss
    gradient: Tensor
    best: Tensor  # the point with the highest loss so far
    top: Tensor  # its loss
    slope: Tensor  # its gradient
    height: Tensor  # its lead
    step: Tensor
    rises: Tensor  # steps up since the last checkpoint
    kept: Tensor  # the highest loss at the last checkpoint
    halved: Tensor  # whether the step was halved there

    def of(self, mask: Tensor) -> Climb:
        """Some of the climbs."""
        return self if mask.all() else Climb(*(part[mask] for part in self))


class Seen(NamedTuple):
    """Points that the classifier was shown, and what it said of them."""

    points: Tensor
    logits: Tensor
    height: Tensor  # the lead at each climb's best point so far


def attempts(settings: Climbing, classes: int) -> Iterator[Attempt]:
    """One climb a restart; with `targets`, one a restart and class aimed at. A class that is not there is left out."""
    aims = settings.aims(classes)
    loss: Loss = _leads.aimed if aims else _leads.ratio if settings.loss == "margin" else _leads.entropy
    for restart in range(settings.restarts):
        for rank in range(aims) if aims else [None]:
            name = ("apgd", settings.loss, restart) if rank is None else ("apgd", "target", rank, restart)
            yield partial(once, loss=loss, rank=rank, steps=settings.steps, name=name)


def once(siege: Siege, *, loss: Loss, rank: int | None, steps: int, name: tuple[object, ...]) -> Outcome:
    """One climb an image from a random point of the budget, that the image's seed and the climb's name decide."""
    rows = torch.arange(len(siege.y), device=siege.y.device)
    target = siege.y if rank is None else _leads.ranked(siege.ask(siege.x, rows), siege.y, rank)
    unit = uniform([seed_of(seed, *name) for seed in siege.seeds], siege.x.shape[1:], siege.x.device)
    start = siege.threat.project(siege.x, siege.x + siege.threat.start(unit))
    return climb(siege, begin(rows, target, start, FIRST * siege.threat.eps), loss, steps)


def climb(siege: Siege, now: Climb, loss: Loss, steps: int) -> Outcome:
    """Climb until an image falls or its steps are used up: `steps` gradients, then a forward pass.

    Returns:
        The point that fooled, else the best one.
    """
    done = Outcome(now.x_adv.clone(), torch.zeros_like(siege.y).bool(), torch.zeros_like(now.top))
    marks = {end: end - start for start, end in pairwise(checkpoints(steps))}
    seen: list[Seen] = []
    for taken in range(steps):
        slope = siege.climb(now.x_adv, now.rows, loss, now.target)
        now = looked(now, slope, siege)
        seen.append(Seen(now.x_adv, slope.logits, now.height))
        if siege.due(taken):
            now, seen = now.of(swept(seen, now.rows, siege, done)), []
        if not len(now.rows):
            return done
        if taken in marks:
            now = reviewed(now, marks[taken])
        now = moved(now, siege, MOMENTUM if taken else 1.0)
    logits = siege.ask(now.x_adv, now.rows)
    value = loss(logits, siege.y[now.rows], now.target)
    now = looked(now, Slope(logits, value, now.gradient, torch.ones_like(value)), siege)  # no gradient is needed now
    seen.append(Seen(now.x_adv, logits, now.height))
    now = now.of(swept(seen, now.rows, siege, done))
    settle(done, now.rows, now.best, now.height, fooled=False)
    return done


def swept(seen: list[Seen], rows: Tensor, siege: Siege, done: Outcome) -> Tensor:
    """Look at the points since the last look, in their order: write down what fell, and say which climbs stand."""
    siege.look()
    stands = torch.ones_like(rows).bool()
    for points, logits, height in seen:
        down, shown = siege.fallen(points, rows, logits)
        down &= stands
        settle(done, rows[down], shown[down], height[down], fooled=True)
        stands &= ~down
    return stands


def begin(rows: Tensor, target: Tensor, start: Tensor, step: float) -> Climb:
    """Climbs that have seen nothing yet."""
    low = torch.full(rows.shape, -torch.inf, dtype=torch.float64, device=rows.device)
    none, length = torch.zeros_like(rows), torch.full_like(start[:, :1, :1, :1], step)
    blank = torch.zeros_like(start)
    return Climb(rows, target, start, start, -low, blank, start, low, blank, low, length, none, low, none.bool())


def looked(now: Climb, slope: Slope, siege: Siege) -> Climb:
    """Take in what was seen at the new points."""
    better = slope.value > now.top
    wide = better.view(-1, 1, 1, 1)
    return now._replace(
        rises=now.rises + (slope.value > now.value),
        value=slope.value,
        gradient=slope.gradient,
        best=torch.where(wide, now.x_adv, now.best),
        slope=torch.where(wide, slope.gradient, now.slope),
        top=torch.where(better, slope.value, now.top),
        height=torch.where(better, lead(slope.logits, siege.y[now.rows]), now.height),
    )


def moved(now: Climb, siege: Siege, weight: float) -> Climb:
    """A step up, mixed with the last one; both are brought back into the budget."""
    x, threat = siege.x[now.rows], siege.threat
    ahead = threat.project(x, now.x_adv + _along(threat, now.gradient) * now.step)
    mixed = now.x_adv + weight * (ahead - now.x_adv) + (1 - weight) * (now.x_adv - now.before)
    return now._replace(x_adv=threat.project(x, mixed), before=now.x_adv)


def _along(threat: Bounded, gradient: Tensor) -> Tensor:
    return threat.ascend(gradient, 1.0)


def reviewed(now: Climb, length: int) -> Climb:
    """At a checkpoint, `length` steps after the last: climbs that stall halve their step and go back to their best."""
    stalls = now.rises < RISING * length
    stalls |= ~now.halved & (now.kept >= now.top)
    wide = stalls.view(-1, 1, 1, 1)
    return now._replace(
        step=torch.where(wide, now.step / 2, now.step),
        x_adv=torch.where(wide, now.best, now.x_adv),
        gradient=torch.where(wide, now.slope, now.gradient),
        value=torch.where(stalls, now.top, now.value),
        rises=torch.zeros_like(now.rises),
        kept=now.top,
        halved=stalls,
    )


def checkpoints(steps: int) -> list[int]:
    """The steps after which climbs are checked, 0 first: after 22 %, then ever more often, at last every 6 %."""
    marks, width = [0.0, 0.22], 0.22
    while marks[-1] < 1:
        width = max(width - 0.03, 0.06)
        marks.append(marks[-1] + width)
    return sorted({math.ceil(round(mark * steps, 6)) for mark in marks})  # 0.57 x 100 is not above 57


def settle(done: Outcome, rows: Tensor, points: Tensor, height: Tensor, fooled: bool) -> None:
    """Write down climbs that have ended."""
    done.x_adv[rows] = points
    done.fooled[rows] = fooled
    done.height[rows] = height
