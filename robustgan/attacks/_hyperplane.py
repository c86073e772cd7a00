"""The nearest point of a hyperplane that is still an image: every number stays in [0, 1].

Source: Croce and Hein 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack", section
2.2 (https://arxiv.org/abs/1907.02044), problem 3; solved here by sorting where each number reaches its limit.
"""

from __future__ import annotations

import torch
from torch import Tensor

from robustgan.interfaces import Bounded, Linf
from robustgan.tensors import Images, Scores


def crossed(points: Images, value: Scores, gradient: Tensor, threat: Bounded) -> Images:
    """The shortest change that brings `value + gradient . change` to 0; as near as [0, 1] allows where it cannot."""
    flat, slope = points.flatten(1).double(), gradient.flatten(1).double()
    slope = slope * -value.double().sign()[:, None]  # the value's size is to go down: move along this
    room = torch.where(slope > 0, 1 - flat, flat).clamp_min(0)
    size = slope.abs()
    if isinstance(threat, Linf):  # number i moves by min(t, room)
        moved = torch.minimum(filled(room, size, value.double().abs()), room) * (size > 0)
    else:  # by min(t |slope|, room)
        reach = room / size.clamp_min(1e-300)
        moved = torch.minimum(filled(reach, size.square(), value.double().abs()) * size, room)
    return (moved * slope.sign()).view_as(points).to(points.dtype)


def filled(reach: Tensor, rate: Tensor, wanted: Tensor) -> Tensor:
    """The t at which the sum over i of `rate_i min(t, reach_i)` is what is wanted, a row; the end where it never is."""
    limit, order = reach.sort(dim=1)
    weight = rate.gather(1, order)
    spent = (weight * limit).cumsum(1)  # by those that have reached their limits
    left = (weight.sum(1, keepdim=True) - weight.cumsum(1)).clamp_min(0)  # weight of those that have not
    total = spent + left * limit  # the sum at t = limit
    place = torch.searchsorted(total, wanted[:, None]).clamp_max(reach.shape[1] - 1)
    before = (place - 1).clamp_min(0)
    first = place == 0
    base = torch.where(first, 0, spent.gather(1, before))
    rates = torch.where(first, weight.sum(1, keepdim=True), left.gather(1, before))
    found = (wanted[:, None] - base) / rates.clamp_min(1e-300)
    return torch.minimum(found, limit.gather(1, place))
