"""The classifier as ART's methods see it."""

import torch
from torch import nn

from robustgan.tensors import Images, Logits, Tensor


class Seen(nn.Module):
    """Takes the float64 images that some methods make (HopSkipJump); gives probabilities where asked to."""

    def __init__(self, model: nn.Module, probabilities: bool) -> None:
        super().__init__()
        self.model, self.probabilities = model, probabilities

    def forward(self, x: Images) -> Logits:
        """Logits, or their softmax."""
        logits: Tensor = self.model(x.to(torch.float32))
        return logits.softmax(1) if self.probabilities else logits
