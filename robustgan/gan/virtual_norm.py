"""Virtual batch norm: every image is normalised with a reference batch that never changes, and with itself.

The reference images go through the layers in front of the others. They are normalised by their own statistics; each
other image by those of the reference and itself together, so no image depends on its neighbours, in training or in
use. The price is the arithmetic of the reference at every pass.

Source:
    Salimans, Goodfellow, Zaremba, Cheung, Radford, Chen, NeurIPS 2016, section 3.5.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from robustgan.shapes import Float

REFERENCE = 64  # images of the reference batch
TINY = 1e-5  # added to variances, as in batch norm


class VirtualNorm(nn.Module):
    """Mean 0 and variance 1 a channel; the first `REFERENCE` images are the reference."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Normalise the reference by itself, every other image by the reference and itself."""
        x = x.float()
        reference, others = x[:REFERENCE], x[REFERENCE:]
        mean = reference.mean((0, 2, 3), keepdim=True)
        variance = reference.var((0, 2, 3), correction=0, keepdim=True)
        own_mean, own = others.mean((2, 3), keepdim=True), others.var((2, 3), correction=0, keepdim=True)
        weight = 1 / (REFERENCE + 1)
        both = mean + weight * (own_mean - mean)
        spread = (1 - weight) * (variance + (mean - both).square()) + weight * (own + (own_mean - both).square())
        parts = (reference - mean) * (variance + TINY).rsqrt(), (others - both) * (spread + TINY).rsqrt()
        return torch.cat(parts)
