"""FAB: walks along the boundary towards the nearest fooling image, and does not ask about a budget.

Source: Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
section 3 and algorithm 1 (https://arxiv.org/abs/1907.02044); towards one class a walk, as in AutoAttack.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from robustgan.attacks._hyperplane import crossed
from robustgan.attacks._leads import lead, ranked, towards
from robustgan.attacks._siege import Attempt, Outcome, Siege, ahead
from robustgan.draws import seed_of, uniform
from robustgan.interfaces import Bounded
from robustgan.tensors import Images, Scores

if TYPE_CHECKING:
    from robustgan.attacks._walking import Walking

OVERSHOOT = 1.05  # of a step across the boundary
PULL = 0.1  # at most so much weight for the original's own nearest point on the boundary
BACK = 0.9  # a point that fools is drawn towards the original: what is left of its change
NEAR = 0.5  # share of eps from which a restart begins


class Walk(NamedTuple):
    """Where the walk of each of n images stands."""

    rows: Tensor
    x: Tensor
    target: Tensor
    x_adv: Tensor
    best: Tensor  # the nearest point so far that fools
    distance: Tensor  # how far it is; infinite where none was found

    def of(self, mask: Tensor) -> Walk:
        """Some of the images."""
        return self if mask.all() else Walk(*(part[mask] for part in self))


class Seen(NamedTuple):
    """Points that the classifier was shown, and what it said of them."""

    points: Tensor
    logits: Tensor


def attempts(settings: Walking, classes: int) -> Iterator[Attempt]:
    """One walk a restart and class, the nearest class first; a class that is not there is not walked to."""
    for rank in range(min(settings.targets, classes - 1)):
        for restart in range(settings.restarts):
            yield partial(once, rank=rank, restart=restart, steps=settings.steps)


def once(siege: Siege, *, rank: int, restart: int, steps: int) -> Outcome:
    """One walk an image, the first from the image itself, the others from a random point close to it."""
    rows = torch.arange(len(siege.y), device=siege.y.device)
    target = ranked(siege.ask(siege.x, rows), siege.y, rank)
    start = siege.x
    if restart:
        seeds = [seed_of(seed, "fab", rank, restart) for seed in siege.seeds]
        unit = uniform(seeds, siege.x.shape[1:], siege.x.device)
        start = (siege.x + NEAR * siege.threat.start(unit)).clamp(0, 1)
    far = torch.full(rows.shape, torch.inf, device=rows.device)
    return walk(siege, Walk(rows, siege.x, target, start, siege.x, far), steps)


def walk(siege: Siege, now: Walk, steps: int) -> Outcome:
    """Walk until a point inside the budget fools, or the steps are used up: two forward passes and a gradient each.

    Returns:
        The point that fooled; else the nearest one that fools, brought into the budget.
    """
    done = Outcome(siege.x.clone(), torch.zeros_like(siege.y).bool(), torch.zeros_like(siege.y).double())
    seen: list[Seen] = []
    for taken in range(steps):
        now = stepped(now, siege)
        logits = siege.ask(now.x_adv, now.rows)
        wrong = ahead(logits, siege.y[now.rows])
        now = measured(now, wrong, siege.threat)
        seen.append(Seen(now.x_adv, logits))
        now = pulled(now, wrong)
        if siege.due(taken) or taken + 1 == steps:
            now, seen = now.of(swept(seen, now, siege, done)), []
        if not len(now.rows):
            return done
    last = stretched(now, siege.threat)
    logits = siege.ask(last, now.rows)
    down, last = siege.fallen(last, now.rows, logits)
    height = lead(logits, siege.y[now.rows])
    for flag in (True, False):
        mask = down == flag
        write(done, now.rows[mask], last[mask], height[mask], fooled=flag)
    return done


def swept(seen: list[Seen], now: Walk, siege: Siege, done: Outcome) -> Tensor:
    """Look at the points since the last look, in their order: write down what fell, and say which walks go on."""
    siege.look()
    stands = torch.ones_like(now.rows).bool()
    for points, logits in seen:
        down, shown = caught(points, now, siege, logits)
        down &= stands
        write(done, now.rows[down], shown[down], lead(logits, siege.y[now.rows])[down], fooled=True)
        stands &= ~down
    return stands


def stepped(now: Walk, siege: Siege) -> Walk:
    """A step across the boundary as it looks from here, mixed with one from the original."""
    slope = siege.climb(now.x_adv, now.rows, towards, now.target)
    value, gradient = slope.value / slope.size, slope.gradient
    back = value + (gradient * (now.x - now.x_adv)).flatten(1).sum(1)  # of the same plane, at the original
    here = crossed(now.x_adv, value, gradient, siege.threat)
    home = crossed(now.x, back, gradient, siege.threat)
    near, far = (siege.threat.distance(torch.zeros_like(d), d).clamp_min(1e-8) for d in (here, home))
    weight = (near / (near + far)).clamp_max(PULL).view(-1, 1, 1, 1)
    mixed = (1 - weight) * (now.x_adv + OVERSHOOT * here) + weight * (now.x + OVERSHOOT * home)
    return now._replace(x_adv=mixed.clamp(0, 1))


def measured(now: Walk, wrong: Tensor, threat: Bounded) -> Walk:
    """Keep the points that fool and are nearer than those before."""
    distance = threat.distance(now.x, now.x_adv)
    nearer = wrong & (distance < now.distance)
    best = torch.where(nearer.view(-1, 1, 1, 1), now.x_adv, now.best)
    return now._replace(best=best, distance=torch.where(nearer, distance, now.distance))


def caught(points: Images, now: Walk, siege: Siege, logits: Tensor) -> tuple[Tensor, Images]:
    """Which of the points are inside the budget and fool the classifier as they would be sent."""
    inside = (siege.threat.distance(now.x, points) <= siege.threat.eps).nonzero().flatten()
    down, shown = torch.zeros_like(now.rows).bool(), points.clone()
    if len(inside):
        down[inside], shown[inside] = siege.fallen(points[inside], now.rows[inside], logits[inside])
    return down, shown


def pulled(now: Walk, wrong: Tensor) -> Walk:
    """Points that fool are drawn towards the original, to cross the boundary again from the right side."""
    closer = now.x + BACK * (now.x_adv - now.x)
    return now._replace(x_adv=torch.where(wrong.view(-1, 1, 1, 1), closer, now.x_adv))


def stretched(now: Walk, threat: Bounded) -> Images:
    """The nearest points that fool, or where the walk ended, on the edge of the budget."""
    found = torch.isfinite(now.distance).view(-1, 1, 1, 1)
    change = torch.where(found, now.best, now.x_adv) - now.x
    length: Scores = threat.distance(torch.zeros_like(change), change).clamp_min(1e-12)
    return threat.project(now.x, now.x + change * (threat.eps / length).view(-1, 1, 1, 1))


def write(done: Outcome, rows: Tensor, points: Images, height: Scores, fooled: bool) -> None:
    """Write down walks that have ended."""
    done.x_adv[rows] = points
    done.fooled[rows] = fooled
    done.height[rows] = height
