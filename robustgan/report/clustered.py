"""Shares of images that no table holds, with intervals clustered by patient."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from robustgan.metrics.estimates import FEWEST
from robustgan.report.document import Cell
from robustgan.report.words import share_cell, sized
from robustgan.statistics import NO_INTERVAL, korn_graubard


class Part(NamedTuple):
    """A share of images with its 95 % interval, and what it was counted from."""

    value: float
    low: float
    high: float
    images: int
    groups: int

    @property
    def cell(self) -> Cell:
        """The share in per cent; its n where a pointer rests on it."""
        return share_cell(self.value, self.low, self.high, sized(self.images, self.groups))


def part(groups: pd.Series, hit: np.ndarray) -> Part:
    """The share of images that are hit; NaN of none.

    Args:
        groups: patient of each image.
        hit: whether each image counts.
    """
    if not len(groups):
        return Part(math.nan, math.nan, math.nan, 0, 0)
    sums = pd.DataFrame({"group": groups.to_numpy(), "hit": hit.astype(float)}).groupby("group")["hit"]
    right, sizes = sums.sum().to_numpy(), sums.count().to_numpy(dtype=float)
    low, high = korn_graubard(right, sizes) if len(sizes) >= FEWEST else NO_INTERVAL
    return Part(float(hit.mean()), low, high, len(groups), len(sizes))
