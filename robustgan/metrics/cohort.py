"""The images of one table cell: their groups, the verdicts on the originals, and resamples of the groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from robustgan.shapes import Array, Bool, Float, Int
from robustgan.statistics import DRAWS, resample

UNITS = 500  # groups that are resampled one by one; more are resampled in bundles
BLOCK = 4_000_000  # numbers held at once while scores are compared

Mask = Bool[Array, " images"]
Numbers = Float[Array, " images"]
Sums = Float[Array, " groups"]
Draws = Float[Array, " draws"]


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
        return weights_of(tuple(self.names[i] for i in first), tuple(self.strata[first].tolist()), DRAWS)

    @cached_property
    def known(self) -> dict[bytes, Draws]:
        """Sums in the resamples by the sums in the bundles: most are asked for by several metrics and attacks."""
        return {}

    def resampled(self, counted: Mask | Numbers) -> Draws:
        """How many counted images (or how much of a number) each resample has."""
        sums = np.bincount(self.bundles[self.group], counted).astype(float)
        key = sums.tobytes()
        if key not in self.known:
            self.known[key] = np.asarray(self.weights @ sums)
        return self.known[key]

    @cached_property
    def clean_auroc(self) -> tuple[float, Draws]:
        """AUROC of the original images, and in each resample."""
        return auroc_draws(self, self.clean_score)


@lru_cache(maxsize=4)  # cells of one study have the same patients
def weights_of(names: tuple[str, ...], strata: tuple[int, ...], draws: int) -> Float[np.ndarray, "draws bundles"]:
    """Resamples of bundles; shared, so nobody may write into them."""
    weights = resample(names, np.array(strata), draws)
    weights.setflags(write=False)
    return weights


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
    count = int(bundle.max()) + 1
    up, down = np.flatnonzero(malignant), np.flatnonzero(~malignant)
    up, down = up[np.argsort(bundle[up], kind="stable")], down[np.argsort(score[down], kind="stable")]
    starts = np.flatnonzero(np.diff(bundle[up], prepend=-1))
    under, level = (np.searchsorted(score[down], score[up], side=side) for side in ("left", "right"))
    wins = np.zeros((count, count))
    width = min(count, max(1, BLOCK // (len(down) + 1)))
    for first in range(0, count, width):
        inside = (bundle[down] >= first) & (bundle[down] < first + width)
        below = np.zeros((len(down) + 1, width), dtype=np.int32)  # benign images of a bundle before a place
        below[1:][inside, bundle[down[inside]] - first] = 1
        np.cumsum(below, axis=0, out=below)
        won = np.add.reduceat(below[under] + below[level], starts, axis=0, dtype=float) / 2
        wins[bundle[up[starts]], first : first + width] = won[:, : count - first]
    return wins


def ratio(above: Draws, below: Draws) -> Draws:
    """Quotient of two sums in each resample; NaN where a resample has no such images."""
    return np.asarray(np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0))
