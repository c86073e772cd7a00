"""The change that AdvGAN's generator makes to an image, kept in the budget; and noise to compare it with."""

from __future__ import annotations

import math
from typing import Any

import torch

from robustgan.draws import normal, seed_of
from robustgan.interfaces import Bounded, Linf
from robustgan.tensors import Images, Labels, Network, Tensor

BACK = 0.3  # least slope on the way back from the edge of the budget, where gradients are noisy


def bounded(raw: Images, threat: Bounded) -> Images:
    """Bring the generator's output into the budget with a gradient everywhere: tanh (Linf), radially (L2)."""
    if isinstance(threat, Linf):
        return torch.tanh(raw) * threat.eps
    length: Tensor = torch.linalg.vector_norm(raw, dim=(1, 2, 3), keepdim=True)
    return raw * (threat.eps / length.clamp_min(threat.eps))


class Yielding(torch.autograd.Function):
    """tanh, whose gradient does not vanish where a step leads back inside: what noise drove to the edge can return."""

    @staticmethod
    def forward(ctx: Any, raw: Tensor) -> Tensor:
        """The bounded numbers."""
        out = torch.tanh(raw)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient of tanh; at least `BACK` of what comes where it points outwards, for it is gone down."""
        (out,), (gradient,) = ctx.saved_tensors, gradients
        slope = 1 - out.square()
        return gradient * torch.where(gradient * out > 0, slope.clamp_min(BACK), slope)


def yielding(raw: Images, threat: Bounded) -> Images:
    """As `bounded`, for gradients that are noisy."""
    if not isinstance(threat, Linf):
        return bounded(raw, threat)
    out: Tensor = Yielding.apply(raw)
    return out * threat.eps


def longest(threat: Bounded, numbers: int) -> float:
    """Euclidean length of the longest change in the budget, for images of so many numbers."""
    return threat.eps * math.sqrt(numbers) if isinstance(threat, Linf) else threat.eps


def made(generator: Network, x: Images, y: Labels, threat: Bounded) -> Images:
    """One forward pass of the generator.

    Under Linf the change is rounded to whole grey levels: the harness rounds towards zero, which would cost
    half a level on average. An L2 budget would be left by rounding.
    """
    x_adv = (x + bounded(generator(x, y).float(), threat)).clamp(0, 1)
    return (x_adv * 255).round() / 255 if isinstance(threat, Linf) else x_adv


def noisy(x: Images, ids: list[str], threat: Bounded) -> Images:
    """Random noise of full size: the control that the generator has to beat."""
    seeds = [seed_of("noise", image) for image in ids]
    return x + threat.ascend(normal(seeds, x.shape[1:], x.device), threat.eps)
