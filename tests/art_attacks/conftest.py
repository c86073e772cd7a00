"""Planted classifiers as ART has them, and images that they tell apart."""

from typing import Any

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from torch import nn

from tests.attacks.test_advgan import planted, weak


def classifier(model: nn.Module | None = None, **changes: Any) -> PyTorchClassifier:
    """The weak classifier of a faint texture, or another model."""
    settings = {"input_shape": (3, 16, 16), "nb_classes": 2, "clip_values": (0.0, 1.0), "device_type": "cpu"}
    return PyTorchClassifier(model or weak(), loss=nn.CrossEntropyLoss(), **{**settings, **changes})


def arrays(seed: int, n: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Images in [0, 1] and their labels."""
    found = planted(seed, n)
    return (found.images.numpy() / np.float32(255)).astype(np.float32), found.labels.numpy()


class Bright(nn.Module):
    """P(malignant) follows the mean brightness of one channel; remembers what it is shown."""

    def __init__(self, gain: float, channel: int = 0) -> None:
        super().__init__()
        self.gain, self.channel = nn.Parameter(torch.tensor(gain)), channel
        self.middle = 0.5  # brightness at which both classes are as likely
        self.seen = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        level = self.gain * (x[:, self.channel].mean((1, 2)) - self.middle)
        return torch.stack([-level, level], 1)
