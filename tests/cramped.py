"""A planted limit of memory, in images at once."""

import torch
from torch import nn


class Cramped(nn.Module):
    """A classifier on a device with room for `most` images."""

    def __init__(self, network: nn.Module, most: int) -> None:
        super().__init__()
        self.network, self.most = network, most

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.most:
            raise torch.OutOfMemoryError(f"CUDA out of memory: {len(x)} images")
        logits: torch.Tensor = self.network(x)
        return logits
