"""The cluster bootstrap: whole groups are drawn with replacement, within strata."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import scipy

from robustgan.shapes import Float, Int
from robustgan.statistics.intervals import ALPHA, NO_INTERVAL, Interval

DRAWS = 2000  # resamples of the bootstrap


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
    quantile = scipy.special.stdtrit(groups - 1, ALPHA / 2)
    level = float(scipy.special.ndtr(math.sqrt(groups / (groups - 1)) * quantile))
    low, high = np.quantile(found, [level, 1 - level])
    return Interval(float(low), float(high))


def logit_t(value: float, values: Float[np.ndarray, " draws"], groups: int) -> Interval:
    """Interval of a number between 0 and 1 from resamples of the groups: symmetric on the scale of log-odds.

    Near 1, percentiles of the bootstrap reach too far up and not far enough down: resamples hold the images that the
    study happened to have. The spread of the resamples, carried over to log-odds, does not.

    Args:
        value: the number itself; at 0 or 1 the interval is that point.
        values: the number in each resample; NaN where it is not defined.
        groups: number of groups that decides the width (that of the rarer class).

    Source: Pepe, The Statistical Evaluation of Medical Tests for Classification and Prediction (2003), chapter 5
    (AUROC on the logit scale); Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 12.4 (Student's
    t with a bootstrap's spread).
    """
    found = values[np.isfinite(values)]
    if groups < 2 or len(found) < len(values) / 2:
        return NO_INTERVAL
    if not 0 < value < 1:
        return Interval(value, value)
    centre, spread = scipy.special.logit(value), found.std(ddof=1) / (value * (1 - value))
    half = -float(scipy.special.stdtrit(groups - 1, ALPHA / 2)) * spread
    return Interval(float(scipy.special.expit(centre - half)), float(scipy.special.expit(centre + half)))
