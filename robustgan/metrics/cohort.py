"""The images of one table cell: their groups, the verdicts on the originals, and resamples of the groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from robustgan.statistics import resample

UNITS = 500  # groups that are resampled one by one; more are resampled in bundles
BLOCK = 4_000_000  # numbers held at once while scores are compared

Mask = Bool[np.ndarray, " images"]
Numbers = Float[np.ndarray, " images"]
Sums = Float[np.ndarray, " groups"]
Draws = Float[np.ndarray, " draws"]


@dataclass(frozen=True, eq=False)
class Cohort:
    """Images that several attacks are judged on. They share the resamples, so they are paired."""

    names: tuple[str, ...]  # of the groups, sorted
    group: Int[np.ndarray, " images"]  # index into `names`
    malignant: Mask
    clean_score: Numbers
    clean_right: Mask

    @property
    def everything(self) -> Mask:
        """All images."""
        return np.ones(len(self.group), dtype=bool)

    def sums(self, counted: Mask | Numbers) -> Sums:
        """How many counted images (or how much of a number) each group has."""
        return np.bincount(self.group, counted, minlength=len(self.names)).astype(float)

    def groups(self, counted: Mask) -> int:
        """How many groups have a counted image."""
        return int(np.count_nonzero(self.sums(counted)))

    @property
    def rarer(self) -> int:
        """Number of groups that carry the class which fewer groups carry."""
        return min(self.groups(self.malignant), self.groups(~self.malignant))

    @cached_property
    def strata(self) -> Int[np.ndarray, " groups"]:
        """Which classes a group has: 1 benign, 2 malignant, 3 both."""
        return 1 * (self.sums(~self.malignant) > 0) + 2 * (self.sums(self.malignant) > 0)

    @cached_property
    def bundles(self) -> Int[np.ndarray, " groups"]:
        """What is resampled: each group by itself; very many groups are dealt into bundles of one stratum.

        A sum over bundles varies as much as the sum over their groups, and the cost no longer grows with the
        groups.
        """
        count = len(self.names)
        if count <= UNITS:
            return np.arange(count)
        dealt, first = np.zeros(count, dtype=int), 0
        for stratum in np.unique(self.strata):
            members = np.flatnonzero(self.strata == stratum)
            made = min(len(members), max(2, UNITS * len(members) // count))
            dealt[members] = first + np.arange(len(members)) % made
            first += made
        return dealt

    @cached_property
    def weights(self) -> Float[np.ndarray, "draws bundles"]:
        """How often each bundle is in each resample, stratified by the classes that its groups have."""
        _, first = np.unique(self.bundles, return_index=True)
        return resample([self.names[i] for i in first], self.strata[first])

    def resampled(self, counted: Mask | Numbers) -> Draws:
        """How many counted images (or how much of a number) each resample has."""
        return np.asarray(self.weights @ np.bincount(self.bundles[self.group], counted))

    @cached_property
    def clean_auroc(self) -> tuple[float, Draws]:
        """AUROC of the original images, and in each resample."""
        return auroc_draws(self, self.clean_score)


def auroc_draws(cohort: Cohort, score: Numbers) -> tuple[float, Draws]:
    """AUROC, and AUROC in each resample: both are sums over pairs of bundles; images are compared once."""
    bundle = cohort.bundles[cohort.group]
    positive, negative = (
        np.bincount(bundle, m, cohort.weights.shape[1]) for m in (cohort.malignant, ~cohort.malignant)
    )
    rows, columns = positive > 0, negative > 0
    wins = pair_wins(bundle, cohort.malignant, score)[rows][:, columns]
    up, down = cohort.weights[:, rows], cohort.weights[:, columns]
    pairs = (up @ positive[rows]) * (down @ negative[columns])
    return float(wins.sum() / (positive.sum() * negative.sum())), ratio(((up @ wins) * down).sum(1), pairs)


def pair_wins(
    bundle: Int[np.ndarray, " images"], malignant: Mask, score: Numbers
) -> Float[np.ndarray, "bundles bundles"]:
    """Pairs that malignant images of a bundle (row) win against benign ones of another; ties one half."""
    values, rank = np.unique(score, return_inverse=True)
    count = int(bundle.max()) + 1
    positive = np.flatnonzero(malignant)
    positive = positive[np.argsort(bundle[positive], kind="stable")]
    starts = np.flatnonzero(np.diff(bundle[positive], prepend=-1))
    wins = np.zeros((count, count))
    width = min(count, max(1, BLOCK // len(values)))
    for first in range(0, count, width):
        inside = ~malignant & (bundle >= first) & (bundle < first + width)
        at = np.bincount(rank[inside] * width + bundle[inside] - first, minlength=len(values) * width)
        at = at.reshape(-1, width)
        below = at.cumsum(0) - at / 2
        won = np.add.reduceat(below[rank[positive]], starts, axis=0)
        wins[bundle[positive[starts]], first : first + width] = won[:, : count - first]
    return wins


def ratio(above: Draws, below: Draws) -> Draws:
    """Quotient of two sums in each resample; NaN where a resample has no such images."""
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))
