"""The optimiser of generators and discriminators."""

from __future__ import annotations

import torch
from torch import nn


def adam(network: nn.Module, betas: tuple[float, float], lr: float = 1e-3) -> torch.optim.Adam:
    """Adam; on a GPU one kernel moves all weights, elsewhere torch's default keeps the bytes that it gave so far."""
    parameters = list(network.parameters())
    on_gpu = all(p.device.type == "cuda" for p in parameters)
    return torch.optim.Adam(parameters, lr, betas, fused=True if on_gpu else None)
