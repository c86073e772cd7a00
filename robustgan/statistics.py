"""Intervals and tests for images that are clustered by patient. Every interval is at 95 %.

Images of one patient succeed and fail together, so an interval that counts images as independent covers 40 to
65 % where it says 95 %. Here the group (patient) is the unit: a proportion is given as what each group got
right, of how many.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import betaincinv, ndtr, ndtri, stdtrit

ALPHA = 0.05  # every interval leaves this much outside, half of it at each end
DRAWS = 2000  # resamples of the bootstrap
TINY = 1e-12  # below this a variance or a width is float noise


class Interval(NamedTuple):
    """The two ends of a 95 % interval; NaN where there is none."""

    low: float
    high: float


NO_INTERVAL = Interval(math.nan, math.nan)


# ------------------------------------------------------------------------------------------------ proportions


def clopper_pearson(right: float, n: float) -> Interval:
    """Exact binomial interval; `right` and `n` may be fractions (effective sample sizes).

    Source: Clopper and Pearson, Biometrika 26 (1934) 404-413.
    """
    if n <= 0:
        return NO_INTERVAL
    low = 0.0 if right <= TINY else float(betaincinv(right, n - right + 1, ALPHA / 2))
    high = 1.0 if n - right <= TINY else float(betaincinv(right + 1, n - right, 1 - ALPHA / 2))
    return Interval(low, high)


def wilson(right: float, n: float) -> Interval:
    """Score interval of a proportion of independent trials.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    if n <= 0:
        return NO_INTERVAL
    z, p = -float(ndtri(ALPHA / 2)), right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def korn_graubard(
    right: Float[np.ndarray, " groups"], sizes: Float[np.ndarray, " groups"], images: float | None = None
) -> Interval:
    """Clopper-Pearson at the effective sample size of clustered data.

    The variance of the ratio between groups gives the effective size, shrunk for the few groups that it was
    estimated from. Where all groups are alike, the effective size is the number of groups.

    Args:
        right: successes in each group.
        sizes: trials in each group.
        images: trials in all, where `right` and `sizes` are weighted; the effective size is at most this.

    Source: Korn and Graubard, Survey Methodology 24 (1998) 193-201.
    """
    groups, total = len(sizes), float(sizes.sum())
    if groups < 2:
        return NO_INTERVAL
    p = float(right.sum()) / total
    variance = groups / (groups - 1) * float(((right - p * sizes) ** 2).sum()) / total**2
    effective = float(groups)
    if variance > TINY:
        shrink = (float(ndtri(ALPHA / 2)) / float(stdtrit(groups - 1, ALPHA / 2))) ** 2
        effective = min(total if images is None else images, p * (1 - p) / variance * shrink)
    return clopper_pearson(p * effective, effective)


class Term(NamedTuple):
    """One estimate of a sum: how much of it is added, its value and its interval."""

    weight: float
    value: float
    ends: Interval


def square_and_add(first: Term, second: Term, correlation: float = 0.0) -> Interval:
    """Interval of a weighted sum of two estimates, from the interval of each and their correlation.

    Source: Zou and Donner, Statistics in Medicine 27 (2008) 1693-1702 (MOVER); the difference of two shares
    is Newcombe,
        Statistics in Medicine 17 (1998) 2635-2650, method 10.
    """
    middle = first.weight * first.value + second.weight * second.value
    reach = [sorted((t.weight * (t.ends.low - t.value), t.weight * (t.ends.high - t.value))) for t in (first, second)]
    shared = 2 * correlation * math.copysign(1, first.weight * second.weight)
    below, above = (math.sqrt(max(0.0, a * a + b * b + shared * a * b)) for a, b in zip(*reach, strict=True))
    return Interval(middle - below, middle + above)


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


# -------------------------------------------------------------------------------------------------- bootstrap


def resample(
    names: Sequence[str], strata: Int[np.ndarray, " groups"], draws: int = DRAWS
) -> Float[np.ndarray, "draws groups"]:
    """How often each group is in each resample, drawn with replacement within strata.

    The seed comes from the names and strata, so the same groups always give the same resamples: differences
    between attacks on them are paired. A stratum of one group is drawn together with the largest stratum.
    """
    text = "\x1f".join([*names, *(str(stratum) for stratum in strata)])
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
    found, index, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    joined = np.where(sizes == 1, sizes.argmax(), np.arange(len(found)))[index]
    weights = np.zeros((draws, len(names)))
    for stratum in np.unique(joined):
        members = np.flatnonzero(joined == stratum)
        picks = rng.integers(len(members), size=(draws, len(members)))
        flat = (picks + np.arange(draws)[:, None] * len(members)).ravel()
        weights[:, members] = np.bincount(flat, minlength=picks.size).reshape(picks.shape)
    return weights


def expanded_percentile(values: Float[np.ndarray, " draws"], groups: int) -> Interval:
    """Interval from the values that a statistic takes in resamples of the groups (cluster bootstrap).

    Percentiles of the bootstrap are too narrow with few groups; the level is moved out by what a t interval
    adds to a normal one. Resamples where the statistic is not defined do not count.

    Args:
        values: the statistic in each resample; NaN where it is not defined.
        groups: number of groups that decides the width (that of the rarer class).

    Source: Hesterberg, The American Statistician 69 (2015) 371-386, section 3.4.
    """
    found = values[np.isfinite(values)]
    if groups < 2 or len(found) < len(values) / 2:
        return NO_INTERVAL
    level = float(ndtr(math.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, ALPHA / 2)))
    low, high = np.quantile(found, [level, 1 - level])
    return Interval(float(low), float(high))


def outer(*intervals: Interval) -> Interval:
    """The interval from the lowest to the highest end of those that exist."""
    there = [interval for interval in intervals if math.isfinite(interval.low)]
    return Interval(min(i.low for i in there), max(i.high for i in there)) if there else NO_INTERVAL


# ------------------------------------------------------------------------------------------------------ tests


def sign_flip(differences: Int[np.ndarray, " groups"]) -> float:
    """Two-sided p that the groups' differences are symmetric around zero; exact for any number of groups.

    Under that hypothesis each group's difference is as likely to have either sign. The distribution of the
    sum over all 2^groups sign patterns is made by convolution (differences are whole numbers of images), not
    by drawing. With one difference of -1, 0 or 1 a patient this is McNemar's exact test.

    Source: Fisher, The Design of Experiments (1935), section 21.
    """
    steps = np.abs(differences[differences != 0])
    chance = np.ones(1)  # chance[s]: that the groups with a positive sign add up to s
    for step in np.sort(steps):
        longer = np.zeros(len(chance) + int(step))
        longer[: len(chance)] += chance / 2
        longer[int(step) :] += chance / 2
        chance = longer
    reached = (int(steps.sum()) + abs(int(differences.sum()))) // 2
    return min(1.0, 2 * float(chance[reached:].sum()))


def holm(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Correct p values for their number, family-wise; NaN stays NaN and is not counted.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
    """
    corrected = np.full(len(p), np.nan)
    order = np.argsort(p, kind="stable")[: int(np.isfinite(p).sum())]
    raised = p[order] * (len(order) - np.arange(len(order)))
    corrected[order] = np.minimum(1, np.maximum.accumulate(raised))
    return corrected
