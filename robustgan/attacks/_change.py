"""The change that AdvGAN's generator makes to an image, kept in the budget; and noise to compare it with."""

from __future__ import annotations

import math

import torch

from robustgan.draws import normal, seed_of
from robustgan.interfaces import Bounded, Linf
from robustgan.tensors import Images, Labels, Network, Tensor


def bounded(raw: Images, threat: Bounded) -> Images:
    """Bring the generator's output into the budget with a gradient everywhere: tanh (Linf), radially (L2)."""
    if isinstance(threat, Linf):
        return torch.tanh(raw) * threat.eps
    length: Tensor = torch.linalg.vector_norm(raw, dim=(1, 2, 3), keepdim=True)
    return raw * (threat.eps / length.clamp_min(threat.eps))


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
