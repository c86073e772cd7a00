"""The numbers of one row of METRICS: clean, under attack, and the drop, each with its interval.

Intervals are clustered by patient. Shares have a Korn-Graubard interval. Drops and balanced accuracy have the
outer ends of a cluster bootstrap (which sees that two terms belong to the same patients) and of
square-and-add on Korn-Graubard (which does not shrink to a point when all groups are alike). AUROC has the
bootstrap alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from robustgan.metrics.cohort import Cohort, Draws, Mask, Numbers, Sums, auroc_draws, ratio
from robustgan.statistics import (
    NO_INTERVAL,
    TINY,
    Interval,
    Term,
    correlation,
    durkalski,
    expanded_percentile,
    korn_graubard,
    logit_t,
    outer,
    sign_flip,
    square_and_add,
)

ENOUGH = 10  # groups; below, a value is only indicative
FEWEST = 5  # groups; below, there is no interval and no test

Ends = Callable[[Sums, Sums], Interval]  # successes and trials of each group to the interval of their share


class Reading(NamedTuple):
    """A value with its interval."""

    value: float = math.nan
    ends: Interval = NO_INTERVAL


class Estimate(NamedTuple):
    """One row of METRICS; NaN where something is not defined."""

    clean: Reading = Reading()
    attacked: Reading = Reading()
    drop: Reading = Reading()
    p: float = math.nan
    durkalski: float = math.nan  # the same test in the limit of many groups
    images: int = 0
    groups: int = 0
    note: str = ""

    def row(self) -> dict[str, object]:
        """The columns of METRICS that hold these numbers."""
        readings = {"clean": self.clean, "": self.attacked, "drop": self.drop}
        ends = {
            f"{name}_{end}".lstrip("_"): value
            for name, reading in readings.items()
            for end, value in reading.ends._asdict().items()
        }
        values = {"clean": self.clean.value, "value": self.attacked.value, "drop": self.drop.value}
        return {
            **values,
            **ends,
            "p": self.p,
            "p_durkalski": self.durkalski,
            "images": self.images,
            "groups": self.groups,
            "note": self.note,
        }

    def noted(self, note: str) -> Estimate:
        """The same with one more note."""
        return self._replace(note="; ".join(filter(None, (self.note, note))))

    def cautious(self, groups: int, where: str = "") -> Estimate:
        """Take the intervals and the test away where there are too few groups, and say so."""
        said = f"{groups} group{'s' if groups > 1 else ''}{where}"
        if groups >= ENOUGH:
            return self
        if groups >= FEWEST:
            return self.noted(f"{said}: indicative only")
        clean, attacked, drop = (Reading(part.value) for part in self[:3])
        note = f"{said}: no interval"
        return self._replace(clean=clean, attacked=attacked, drop=drop, p=math.nan, durkalski=math.nan, note=note)


def share(cohort: Cohort, counted: Mask, right: Mask, ends: Ends = korn_graubard) -> Estimate:
    """Share of the counted images that are called right, before and after the attack."""
    images, groups = int(counted.sum()), cohort.groups(counted)
    if not images:
        return Estimate(note="not defined: no such images")
    before, after = counted & cohort.clean_right, counted & right
    drawn = ratio(cohort.resampled(before) - cohort.resampled(after), cohort.resampled(counted))
    there = cohort.sums(counted) > 0
    sizes, clean, attacked = (cohort.sums(mask)[there] for mask in (counted, before, after))
    found = paired(clean, attacked, sizes, ends, drawn)
    lost = (clean - attacked).astype(int)
    tested = found._replace(p=sign_flip(lost), durkalski=durkalski(lost, sizes), images=images, groups=groups)
    return tested.cautious(groups)


def paired(clean: Sums, attacked: Sums, sizes: Sums, ends: Ends, drawn: Draws) -> Estimate:
    """Two shares of the same images and their drop, which is also given for each resample."""
    before, after = reading(clean, sizes, ends), reading(attacked, sizes, ends)
    apart = square_and_add(Term(1, *before), Term(-1, *after), correlation(clean, attacked, sizes))
    both = outer(expanded_percentile(drawn, len(sizes)), clipped(apart, -1))
    return Estimate(before, after, Reading(before.value - after.value, both))


def reading(part: Sums, sizes: Sums, ends: Ends) -> Reading:
    """A share over all groups."""
    return Reading(float(part.sum() / sizes.sum()), ends(part, sizes))


def flipped(cohort: Cohort, counted: Mask, right: Mask) -> Estimate:
    """Share of the counted images, all right when clean, that the attack turned. There is no clean value."""
    images, groups = int(counted.sum()), cohort.groups(counted)
    if not images:
        return Estimate(note="not defined: no such images were right when clean")
    turned, sizes = cohort.sums(counted & ~right), cohort.sums(counted)
    found = reading(turned[sizes > 0], sizes[sizes > 0], korn_graubard)
    return Estimate(attacked=found, images=images, groups=groups).cautious(groups)


def balanced(cohort: Cohort, right: Mask) -> Estimate:
    """Mean of sensitivity and specificity."""
    bare = Estimate(images=len(cohort.group), groups=len(cohort.names))
    if not cohort.rarer:
        return bare.noted("not defined: one class only")
    up, down = (share(cohort, counted, right) for counted in (cohort.malignant, ~cohort.malignant))
    before, after = balanced_draws(cohort, cohort.clean_right), balanced_draws(cohort, right)
    return bare._replace(
        clean=mean(up.clean, down.clean, before, cohort.rarer),
        attacked=mean(up.attacked, down.attacked, after, cohort.rarer),
        drop=mean(up.drop, down.drop, before - after, cohort.rarer),
    ).cautious(cohort.rarer, " in the rarer class")


def mean(up: Reading, down: Reading, drawn: Draws, groups: int) -> Reading:
    """Mean of two readings, which is also given for each resample."""
    apart = square_and_add(Term(0.5, *up), Term(0.5, *down))
    return Reading((up.value + down.value) / 2, outer(expanded_percentile(drawn, groups), apart))


def balanced_draws(cohort: Cohort, right: Mask) -> Draws:
    """Balanced accuracy in each resample."""
    up, down = cohort.malignant, ~cohort.malignant
    sensitivity = ratio(cohort.resampled(up & right), cohort.resampled(up))
    specificity = ratio(cohort.resampled(down & right), cohort.resampled(down))
    return np.asarray((sensitivity + specificity) / 2)


def auroc(cohort: Cohort, score: Numbers) -> Estimate:
    """Chance that a malignant image scores above a benign one; ties count one half."""
    bare = Estimate(images=len(cohort.group), groups=len(cohort.names))
    if not cohort.rarer:
        return bare.noted("not defined: one class only")
    (clean, before), (attacked, after) = cohort.clean_auroc, auroc_draws(cohort, score)
    ends = [alive(logit_t(*one, cohort.rarer)) for one in ((clean, before), (attacked, after))]
    found = bare._replace(
        clean=Reading(clean, ends[0]),
        attacked=Reading(attacked, ends[1]),
        drop=Reading(clean - attacked, alive(expanded_percentile(before - after, cohort.rarer))),
    )
    if NO_INTERVAL in ends:
        found = found.noted("where there is no interval, every resample gives the same AUROC")
    return found.cautious(cohort.rarer, " in the rarer class")


def clipped(interval: Interval, floor: float) -> Interval:
    """The interval inside [floor, 1]."""
    return Interval(float(np.clip(interval.low, floor, 1)), float(np.clip(interval.high, floor, 1)))


def alive(interval: Interval) -> Interval:
    """The interval, unless it is a point: that would claim certainty that the data cannot give."""
    return interval if interval.high - interval.low > TINY else NO_INTERVAL
