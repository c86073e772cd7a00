"""Where in an attack NaN or infinity first came up: found by doing it once more, so that no attack pays for looking."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import torch
from torch import nn

from robustgan.tensors import Images, Logits


class Traced(nn.Module):
    """A classifier that remembers the first of its passes with a number that is not finite."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.passes, self.found = 0, ""

    def forward(self, x: Images) -> Logits:
        """Logits of the model."""
        self.passes += 1
        if not self.found and not torch.isfinite(x).all():
            self.found = f"the images of pass {self.passes} through the classifier are not finite"
        logits: Logits = self.model(x)
        if not self.found and not torch.isfinite(logits).all():
            self.found = f"the outputs of pass {self.passes} through the classifier are not finite"
        return logits


def first(attack: Callable[[nn.Module], object], model: nn.Module) -> str:
    """Do an attack on a model once more, and say where the first number that is not finite came up."""
    traced = Traced(model)
    with suppress(Exception):
        attack(traced)
    return traced.found or f"all {traced.passes} passes through the classifier are finite, what comes after them is not"
