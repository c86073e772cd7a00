"""Three classifiers for the planted images whose robustness is known, to try an audit on.

    robustgan audit --model examples.planted.models:sound --run-code --data planted

All are right on nearly every original. `sound` looks at brightness: nothing within 8/255 fools it. `fragile` looks at
a faint pattern: everything does. `masked` is `fragile` with its input rounded to 8 bits first. That changes no decision
on any image that can be sent, but it takes the gradients away: gradient attacks then see a robust classifier.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIDE = 32  # pixels


class Pattern(nn.Module):
    """Malignant where the image follows a pattern more than a threshold says."""

    pattern: Tensor

    def __init__(self, pattern: Tensor, threshold: float, gain: float, rounds: bool = False) -> None:
        super().__init__()
        self.register_buffer("pattern", pattern)
        self.threshold, self.gain, self.rounds = threshold, gain, rounds

    def forward(self, x: Tensor) -> Tensor:
        """Two logits (benign, malignant) of images in [0, 1]."""
        if self.rounds:
            x = (x * 255).round() / 255
        follows = (x * self.pattern).mean((1, 2, 3)) - self.threshold
        return torch.stack([-follows, follows], 1) * self.gain


def chequers() -> Tensor:
    """The faint pattern of `tissue.py`."""
    row, column = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    return torch.where((row + column) % 2 == 0, 1.0, -1.0).expand(3, SIDE, SIDE).contiguous()


def sound() -> nn.Module:
    """Dark images are malignant."""
    return Pattern(-torch.ones(3, SIDE, SIDE), -0.5, gain=20.0)


def fragile() -> nn.Module:
    """Images that follow the chequers are malignant."""
    return Pattern(chequers(), 0.0, gain=100.0)


def masked() -> nn.Module:
    """The same decisions, without gradients."""
    return Pattern(chequers(), 0.0, gain=100.0, rounds=True)
