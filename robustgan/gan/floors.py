"""What distance real images of one label have to real images of other patients: the floor of a generator's distance.

A single unbiased distance of real images lies around 0, and below it as often as above. So many are drawn, and both
their mean and the value that 95 % of them stay under are the floor.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor
from torchmetrics.image.kid import maximum_mean_discrepancy, poly_kernel

from robustgan.gan.quality import Features

DRAWS = 100
HIGH = 0.95
FEWEST = 8  # images a side; a draw with fewer says nothing


def floor_of(real: Features, groups: Sequence[str], n: int) -> tuple[float, float] | None:
    """Mean and upper 95 % of the kernel distance between `n` and `n` real images, no patient on both sides.

    The same images give the same numbers. Where patients are too few for `n` images a side, sides are smaller.

    Args:
        real: scaled features of real images.
        groups: their patients.
        n: images a side.

    Returns:
        None where no draw has enough images on both sides.
    """
    kernel = poly_kernel(real.double(), real.double())
    codes, rng = torch.tensor(pd.factorize(pd.Series(groups))[0]), torch.Generator().manual_seed(0)
    found = []
    for _ in range(DRAWS):
        first, second = (side.to(real.device) for side in halves(codes, n, rng))
        if len(first) >= FEWEST:
            parts = [kernel[a][:, b] for a, b in ((first, first), (first, second), (second, second))]
            found.append(maximum_mean_discrepancy(*parts))
    if not found:
        return None
    distances = torch.stack(found)
    return float(distances.mean()), float(distances.quantile(HIGH))


def halves(codes: Tensor, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Indices of as many images on either side, at most `n`; a patient's images (same code) are on one side alone."""
    counts = codes.bincount()
    order = torch.randperm(len(counts), generator=rng)
    before = counts[order].cumsum(0) - counts[order]  # images of patients earlier in the order
    early = torch.zeros(len(counts), dtype=torch.bool)
    early[order] = before < min(n, len(codes) / 2)
    shuffled = torch.randperm(len(codes), generator=rng)
    sides = shuffled[early[codes[shuffled]]], shuffled[~early[codes[shuffled]]]
    size = min(n, *map(len, sides))
    return sides[0][:size], sides[1][:size]
