"""8 bits: what an attacker can send, and what is judged."""

from __future__ import annotations

import math

import torch

from robustgan.interfaces import L2, Linf
from robustgan.tensors import Bytes, Images, Tensor

LEVELS = 255  # grey levels of a channel above 0
FEW = 16  # images that are brought into an L2 budget at once
SLACK = 1e-3  # grey levels: a fraction below this is the noise of float32
TOLERANCE = 1e-6  # of a budget on the [0, 1] scale, relative above 1: the noise of float32


def to_float(images: Bytes) -> Images:
    """8-bit images on the [0, 1] scale."""
    return images.float() / LEVELS


def to_8_bit(clean: Bytes, x_adv: Images, threat: object) -> Bytes:
    """The nearest 8-bit images that stay inside the budget.

    Rounding alone breaks a budget, and cutting every change down to a whole level wipes out an L2 attack, most of
    whose changes are smaller than that. So every change is cut down first, which keeps it inside. Then, for L2,
    changes are raised by one level, those with the largest fractions first: to the nearest level as long as the
    budget allows it, and beyond that until the written change is as long as the one that was asked for. Every
    change stays within one level of what was asked for, none changes its sign, and none stays none. Without a
    budget the nearest level is taken.
    """
    change = x_adv * LEVELS - clean.float()
    if isinstance(threat, Linf):
        size = change.abs().round().clamp_max(math.floor(reach(threat) * LEVELS))
    elif isinstance(threat, L2):
        size = torch.cat([_within_l2(few, reach(threat) * LEVELS) for few in torch.split(change.abs(), FEW)])
    else:
        size = change.abs().round()
    return (clean.float() + size * change.sign()).clamp(0, LEVELS).to(torch.uint8)


def _within_l2(size: Tensor, budget: float) -> Tensor:
    """Whole levels for the changes of a few images; `budget` in levels.

    Sums of whole squares are exact in float64, and the other sum is taken in order: so images do not depend on those
    beside them. No mask is an index: on a GPU that would wait.
    """
    flat = size.flatten(1).double()
    level = flat.floor()
    fraction, order = (flat - level).sort(dim=1, descending=True, stable=True)
    rise = (2 * level + 1).gather(1, order)  # (level + 1)^2 - level^2
    cost = level.square().sum(1, keepdim=True) + rise.cumsum(1)
    asked = flat.square().cumsum(1)[:, -1:]
    wanted = (fraction >= 0.5) | ((fraction > SLACK) & (cost <= asked))
    raised = (wanted & (cost <= budget**2)).double()
    return level.scatter_add(1, order, raised).view_as(size).float()


def reach(threat: Linf | L2) -> float:
    """How far a written image may be: eps and the noise of float32."""
    return threat.eps + TOLERANCE * max(1.0, threat.eps)


def writable(threat: object) -> bool:
    """Whether the budget holds any 8-bit image besides the original: eps is one grey level or more."""
    return not isinstance(threat, Linf | L2) or reach(threat) * LEVELS >= 1
