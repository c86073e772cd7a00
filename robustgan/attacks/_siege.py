"""Images under a strong attack: what it asks of the classifier, for any number of classes, and when an image falls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from robustgan.attacks._leads import Loss, lead
from robustgan.counting import focus
from robustgan.errors import RunError
from robustgan.interfaces import Bounded, Linf, State
from robustgan.quantise import LEVELS, reach, to_8_bit, to_float
from robustgan.shapes import Bool, Int
from robustgan.tensors import Images, Labels, Logits, Network, Scores

# A wrong logit is ahead if by more than this share of the largest logit. Below, rounding decides, or that the attack
# sees the classifier as `prepare.py` makes it: 5 times what that may change.
CLEAR = 5e-5
WAIT = 4  # steps on a GPU from one look at who has fallen to the next: a look waits for all that it was asked to do

Flags = Bool[Tensor, " n"]
Rows = Int[Tensor, " n"]


class NoGradientError(RunError):
    """The classifier's outputs do not depend on the image in a way that torch can differentiate."""


class Outcome(NamedTuple):
    """What an attack leaves of each image."""

    x_adv: Images
    fooled: Flags  # this very image, as it would be written, fools the classifier
    height: Scores  # how far the highest wrong logit is ahead of the right one


class Slope(NamedTuple):
    """What a forward and a backward pass say of each point."""

    logits: Logits
    value: Scores
    gradient: Tensor  # over its size: its largest number is 1 or -1, so that a faint one is as good
    size: Scores  # largest number of the gradient, before; 1 where it vanishes


@dataclass(frozen=True)
class Siege:
    """Images, what may be done to them, and the classifier; it is shown no more of them than it is asked about."""

    model: Network
    x: Images
    y: Labels
    threat: Bounded
    seeds: tuple[int, ...]
    classes: int = 2
    written: bool = True  # an image falls if it does as 8 bits; False: as floats, as other libraries count
    wait: int = 1  # steps from one look to the next
    hopes: list[tuple[Tensor, str]] = field(default_factory=list)  # what must hold, and what to say where it does not

    def among(self, rows: Rows, attack: Attempt) -> Outcome:
        """Attack some of the images only."""
        seeds = tuple(self.seeds[row] for row in rows.tolist())
        with focus(self.model, rows):
            return attack(replace(self, x=self.x[rows], y=self.y[rows], seeds=seeds))

    def ask(self, points: Images, rows: Rows) -> Logits:
        """Logits of points that belong to these images: one forward pass."""
        with torch.no_grad(), focus(self.model, rows):
            return self.checked(self.model(points))

    def climb(self, points: Images, rows: Rows, loss: Loss, target: Labels) -> Slope:
        """Logits, loss and its gradient at these points: a forward and a backward pass.

        The loss is taken in float64: logits of 1e6 leave it exact.

        Raises:
            RunError: logits or gradients are not finite; with `wait` it is the next look that says so.
            NoGradientError: there is no gradient at all.
        """
        points = points.detach().requires_grad_()
        with torch.enable_grad(), focus(self.model, rows):
            raw = self.model(points)
            logits = self.checked(raw)
            value = loss(logits, self.y[rows], target)
            if not value.requires_grad:
                raise NoGradientError("the classifier gives no gradients; `kind: square` needs none.")
            (gradient,) = torch.autograd.grad(value.sum(), points, allow_unused=True)
        if gradient is None:
            raise NoGradientError("the classifier gives no gradients; `kind: square` needs none.")
        self.hope(torch.isfinite(gradient.sum()), "the gradients of the classifier are not finite.")
        size = gradient.abs().flatten(1).amax(1)
        size = torch.where(size > 0, size, 1)
        return Slope(logits.detach(), value.detach(), gradient / size.view(-1, 1, 1, 1), size)

    def checked(self, logits: Tensor) -> Logits:
        """The logits in float64, which must be finite."""
        self.hope(torch.isfinite(logits).all(), "the outputs of the classifier are not finite.")
        return logits.double()

    def hope(self, flag: Tensor, message: str) -> None:
        """Note what must hold; it is seen at the next look."""
        self.hopes.append((flag, message))
        if self.wait == 1:
            self.look()

    def look(self) -> None:
        """See whether all held that must.

        Raises:
            RunError: something did not.
        """
        hopes = self.hopes.copy()
        self.hopes.clear()
        for flag, message in hopes:
            if not flag:
                raise RunError(message)

    def due(self, taken: int) -> bool:
        """Whether the step that was just taken, counted from 0, ends with a look at who has fallen."""
        return taken % self.wait == self.wait - 1

    def sent(self, points: Images, rows: Rows) -> Images:
        """The points as an attacker could send them: inside the budget, 8 bits; as they are if floats count."""
        if not self.written:
            return points
        clean = (self.x[rows] * LEVELS).round().to(torch.uint8)
        return to_float(to_8_bit(clean, self.threat.project(self.x[rows], points), self.threat))

    def fallen(self, points: Images, rows: Rows, logits: Logits) -> tuple[Flags, Images]:
        """Which points inside the budget fool the classifier, and these as they are sent.

        One more forward pass for those that do as floats: rounding to 8 bits may undo it.
        """
        down = ahead(logits, self.y[rows])
        hit = down.nonzero().flatten()
        if self.written and len(hit):
            points, eight = points.clone(), self.sent(points[hit], rows[hit])
            down[hit] = ahead(self.ask(eight, rows[hit]), self.y[rows[hit]])
            points[hit] = torch.where(down[hit].view(-1, 1, 1, 1), eight, points[hit])
        return down, points


Attempt = Callable[[Siege], Outcome]


def writable_part(threat: Bounded) -> Bounded:
    """What of a budget 8-bit images can use: one in Linf ends at a whole grey level.

    In all of it, climbs and walks would end on edges that cannot be written. Measured on a network that tells eight
    diagnoses of tissue apart: climbs within 1.5 grey levels left 56 of 80 images standing, within 1 they left 53.
    """
    if not isinstance(threat, Linf):
        return threat
    levels = math.floor(reach(threat) * LEVELS)
    return Linf(eps=levels / LEVELS) if levels else threat  # below one level there is no other 8-bit image


def ahead(logits: Logits, y: Labels) -> Flags:
    """Where a wrong logit is clearly ahead of the right one: another order of additions would not turn it."""
    return lead(logits, y) > CLEAR * logits.abs().amax(1)


def untouched(siege: Siege) -> Outcome:
    """The images themselves: those that are wrong already need no attack."""
    rows = torch.arange(len(siege.y), device=siege.y.device)
    logits = siege.ask(siege.x, rows)
    return Outcome(siege.x, ahead(logits, siege.y), lead(logits, siege.y))


def relay(siege: Siege, attempts: Iterable[Attempt]) -> tuple[Outcome, Rows]:
    """Point-wise worst case: each attempt gets what those before it left standing.

    Returns:
        For each image the first point that fooled, else the one closest to it; and the number of the attempt.
    """
    low = torch.full(siege.y.shape, -torch.inf, dtype=torch.float64, device=siege.y.device)
    best, by = Outcome(siege.x.clone(), torch.zeros_like(siege.y).bool(), low), torch.zeros_like(siege.y)
    for number, attempt in enumerate(attempts):
        rows = (~best.fooled).nonzero().flatten()
        if not len(rows):
            break
        found = siege.among(rows, attempt)
        siege.look()
        better = found.fooled | (found.height > best.height[rows])
        for whole, part in zip((*best, by), (*found, torch.full_like(rows, number)), strict=True):
            whole[rows[better]] = part[better]
    return best, by


def perturbed(siege: Siege, attempts: Iterator[Attempt]) -> Outcome:
    """Attack what is not wrong already."""
    return relay(siege, [untouched, *attempts])[0]


def besieged(model: Network, x: Images, y: Labels, threat: Bounded, state: State) -> Siege:
    """The images of a plug-in: two logits, falls judged as 8 bits, in the part of the budget that 8 bits can use."""
    return Siege(model, x, y, writable_part(threat), state.seeds, wait=WAIT if x.is_cuda else 1)
