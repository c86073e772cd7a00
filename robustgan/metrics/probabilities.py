"""Does P(malignant) mean what it says? Brier score and expected calibration error, clean and attacked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robustgan.metrics.cohort import Cohort, Draws, Numbers, ratio
from robustgan.metrics.estimates import Estimate, Reading, alive, clipped
from robustgan.shapes import Int
from robustgan.statistics import NO_INTERVAL, Interval, expanded_percentile

BINS = 15  # of equally many images


class Drawn(NamedTuple):
    """A value, the same in each resample, and how much of each resample's value may be chance alone."""

    value: float
    draws: Draws
    chance: Draws


def brier(cohort: Cohort, score: Numbers) -> Estimate:
    """Mean squared distance of P(malignant) from the label.

    Source: Brier, Monthly Weather Review 78 (1950) 1-3, for two classes in the halved form that lies in [0, 1].
    """
    return both(cohort, squared(cohort, cohort.clean_score), squared(cohort, score))


def ece(cohort: Cohort, score: Numbers) -> Estimate:
    """Expected calibration error: how far P(malignant) and the share of malignant images are apart.

    Images are put into 15 bins of equally many by their score; the distances within bins are averaged over
    images. From few images it comes out too high, even where a model is calibrated, and higher again in each
    resample. The lower end of its interval allows for that: it is the value less how far the bins move in
    resamples, all together, by which the value can at most be off (triangle inequality).

    Source:
        Naeini, Cooper and Hauskrecht, AAAI (2015) 2901-2907; bins of equal mass as in Nixon et al., CVPR
        Workshops (2019) 38-41.
    """
    return both(cohort, apart(cohort, cohort.clean_score), apart(cohort, score))


def both(cohort: Cohort, before: Drawn, after: Drawn) -> Estimate:
    """Clean, attacked and the drop of a measure of scores."""
    groups = len(cohort.names)
    clean, attacked = reading(before, groups), reading(after, groups)
    drop = Reading(before.value - after.value, alive(expanded_percentile(before.draws - after.draws, groups)))
    found = Estimate(clean, attacked, drop, images=len(cohort.group), groups=groups)
    if NO_INTERVAL in (clean.ends, attacked.ends):
        found = found.noted("where there is no interval, every resample gives the same value")
    return found.cautious(groups)


def reading(drawn: Drawn, groups: int) -> Reading:
    """A measure with its interval, from 0 to 1."""
    ends = alive(expanded_percentile(drawn.draws, groups))
    if ends is NO_INTERVAL:
        return Reading(drawn.value)
    floor = drawn.value - expanded_percentile(drawn.chance, groups).high if drawn.chance.any() else ends.low
    return Reading(drawn.value, clipped(Interval(min(ends.low, floor), ends.high), 0))


def squared(cohort: Cohort, score: Numbers) -> Drawn:
    """Brier score. A mean has nothing in it that is chance alone."""
    miss = (score - cohort.malignant) ** 2
    draws = ratio(cohort.resampled(miss), cohort.resampled(cohort.everything))
    return Drawn(float(miss.mean()), draws, np.zeros(len(draws)))


def apart(cohort: Cohort, score: Numbers) -> Drawn:
    """Expected calibration error; bins stay those of the whole sample in each resample."""
    index = binned(score)
    bins, bundles = int(index.max()) + 1, cohort.weights.shape[1]
    cell = cohort.bundles[cohort.group] * bins + index
    surplus = np.bincount(cell, score - cohort.malignant, bundles * bins).reshape(bundles, bins)
    images, drawn = cohort.resampled(cohort.everything), cohort.weights @ surplus
    moved = np.abs(drawn / images[:, None] - surplus.sum(0) / len(score)).sum(1)
    return Drawn(float(np.abs(surplus.sum(0)).sum() / len(score)), ratio(np.abs(drawn).sum(1), images), moved)


def binned(score: Numbers) -> Int[np.ndarray, " images"]:
    """Number of each image's bin, from 0 without gaps. Equal scores share a bin, so bins may differ in size."""
    cuts = np.quantile(score, np.arange(1, BINS) / BINS, method="lower")
    return np.unique(np.searchsorted(np.unique(cuts), score, side="left"), return_inverse=True)[1]
