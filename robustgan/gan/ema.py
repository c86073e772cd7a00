"""The moving average of a generator's weights: what is sampled, searched and kept.

Source:
    Yazici et al., ICLR 2019; half-life in thousands of images and ramp-up as in Karras et al., CVPR 2020.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

RAMP = 0.05  # the half-life is at most this share of the images seen so far


def decay(batch: int, seen: int, half_life: float) -> float:
    """Weight that the old average keeps at one step of `batch` images.

    Args:
        batch: images of this step.
        seen: images seen before this step.
        half_life: in thousands of images.
    """
    images = min(half_life * 1000, seen * RAMP)
    return float(0.5 ** (batch / images)) if images > 0 else 0.0


@torch.no_grad()
def average(kept: nn.Module, trained: nn.Module, keep: float) -> None:
    """Move the parameters of `kept` towards those of `trained`; copy its buffers as they are."""
    move = get_ema_multi_avg_fn(keep)  # type: ignore[no-untyped-call]
    move(list(kept.parameters()), list(trained.parameters()), 0)
    for buffer, latest in zip(kept.buffers(), trained.buffers(), strict=True):
        buffer.copy_(latest)
