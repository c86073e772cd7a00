"""Intervals of a share. The group (patient) is the unit: what each group got right, of how many."""

from __future__ import annotations

import math

import numpy as np
import scipy

from robustgan.shapes import Float
from robustgan.statistics.intervals import ALPHA, NO_INTERVAL, TINY, Interval


def clopper_pearson(right: float, n: float) -> Interval:
    """Exact binomial interval; `right` and `n` may be fractions (effective sample sizes).

    Source: Clopper and Pearson, Biometrika 26 (1934) 404-413.
    """
    if n <= 0:
        return NO_INTERVAL
    low = 0.0 if right <= TINY else float(scipy.special.betaincinv(right, n - right + 1, ALPHA / 2))
    high = 1.0 if n - right <= TINY else float(scipy.special.betaincinv(right + 1, n - right, 1 - ALPHA / 2))
    return Interval(low, high)


def wilson(right: float, n: float) -> Interval:
    """Score interval of a proportion of independent trials.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    if n <= 0:
        return NO_INTERVAL
    z, p = -float(scipy.special.ndtri(ALPHA / 2)), right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def korn_graubard(
    right: Float[np.ndarray, " groups"], sizes: Float[np.ndarray, " groups"], images: float | None = None
) -> Interval:
    """Clopper-Pearson at the effective sample size of clustered data.

    The variance of the ratio between groups gives the effective size, shrunk for how little such a variance
    says: by the t distribution with the degrees of freedom that `freedom` finds, and no more of them than
    groups that have the rarer outcome at all (one failure says nothing of how failures cluster). The size never
    falls below that of groups whose images all agree, nor rises above the images. Where all groups are alike,
    it is the number of groups.

    Args:
        right: successes in each group.
        sizes: trials in each group.
        images: trials in all, where `right` and `sizes` are weighted; the effective size is at most this.

    Source:
        Korn and Graubard, Survey Methodology 24 (1998) 193-201. Theirs takes groups - 1 degrees of freedom,
        which is too sure where few groups fail: benchmarks/coverage.py shows both. The lower bound is the
        design effect at an intraclass correlation of one, Kish, Survey Sampling (1965), section 8.2.
    """
    groups, total = len(sizes), float(sizes.sum())
    if groups < 2:
        return NO_INTERVAL
    p = float(right.sum()) / total
    off = right - p * sizes
    variance = groups / (groups - 1) * float((off**2).sum()) / total**2
    effective = float(groups)
    if variance > TINY:
        telling = min(int(np.count_nonzero(part > TINY)) for part in (right, sizes - right))
        normal, t = scipy.special.ndtri(ALPHA / 2), scipy.special.stdtrit(min(freedom(off), telling), ALPHA / 2)
        shrink = (float(normal) / float(t)) ** 2
        least, most = total**2 / float((sizes**2).sum()), total if images is None else images
        effective = min(most, max(least, p * (1 - p) / variance * shrink))
    return clopper_pearson(p * effective, effective)


def freedom(off: Float[np.ndarray, " groups"]) -> float:
    """Degrees of freedom of a variance of which each group gave one deviation; 1 to groups - 1.

    Where one group gives nearly all of the variance, it is known as badly as from two groups.

    Source: matched moments, Satterthwaite, Biometrics Bulletin 2 (1946) 110-114, with the variance of a
        variance from the sample's kurtosis.
    """
    groups = len(off)
    kurtosis = groups * float((off**4).sum()) / float((off**2).sum()) ** 2
    return groups - 1.0 if kurtosis * (groups - 1) <= 3 * groups - 1 else 2 * groups / (kurtosis - 1)


def correlation(
    first: Float[np.ndarray, " groups"],
    second: Float[np.ndarray, " groups"],
    sizes: Float[np.ndarray, " groups"],
) -> float:
    """Correlation of two shares of the same trials, from how far each group is off; 0 where it never is."""
    if not sizes.sum():
        return 0.0
    off = [part - part.sum() / sizes.sum() * sizes for part in (first, second)]
    length = math.sqrt(float((off[0] ** 2).sum() * (off[1] ** 2).sum()))
    return float(off[0] @ off[1]) / length if length > TINY else 0.0


def icc(right: Float[np.ndarray, " groups"], sizes: Float[np.ndarray, " groups"]) -> float:
    """Intraclass correlation of a yes-or-no outcome: how alike images of one group are; NaN if unknown.

    Source: analysis-of-variance estimator, Ridout, Demetrio and Firth, Biometrics 55 (1999) 137-148, table 1.
    """
    groups, total = len(sizes), float(sizes.sum())
    if groups < 2 or total <= groups:
        return math.nan
    between = (float((right**2 / sizes).sum()) - float(right.sum()) ** 2 / total) / (groups - 1)
    within = float((right - right**2 / sizes).sum()) / (total - groups)
    typical = (total - float((sizes**2).sum()) / total) / (groups - 1)
    spread = between + (typical - 1) * within
    return (between - within) / spread if spread > TINY else math.nan
