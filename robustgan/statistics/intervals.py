"""What an interval is, and how intervals are put together. Every interval is at 95 %."""

from __future__ import annotations

import math
from typing import NamedTuple

ALPHA = 0.05  # every interval leaves this much outside, half of it at each end
TINY = 1e-12  # below this a variance or a width is float noise


class Interval(NamedTuple):
    """The two ends of a 95 % interval; NaN where there is none."""

    low: float
    high: float


NO_INTERVAL = Interval(math.nan, math.nan)


def outer(*intervals: Interval) -> Interval:
    """The interval from the lowest to the highest end of those that exist."""
    there = [interval for interval in intervals if math.isfinite(interval.low)]
    return Interval(min(i.low for i in there), max(i.high for i in there)) if there else NO_INTERVAL


class Term(NamedTuple):
    """One estimate of a sum: how much of it is added, its value and its interval."""

    weight: float
    value: float
    ends: Interval


def square_and_add(first: Term, second: Term, correlation: float = 0.0) -> Interval:
    """Interval of a weighted sum of two estimates, from the interval of each and their correlation.

    None where either has none: a reach that nobody knows is not a reach of zero.

    Source: Zou and Donner, Statistics in Medicine 27 (2008) 1693-1702 (MOVER); the difference of two shares
    is Newcombe,
        Statistics in Medicine 17 (1998) 2635-2650, method 10.
    """
    if any(math.isnan(end) for term in (first, second) for end in term.ends):
        return NO_INTERVAL
    middle = first.weight * first.value + second.weight * second.value
    reach = [sorted((t.weight * (t.ends.low - t.value), t.weight * (t.ends.high - t.value))) for t in (first, second)]
    shared = 2 * correlation * math.copysign(1, first.weight * second.weight)
    below, above = (math.sqrt(max(0.0, a * a + b * b + shared * a * b)) for a, b in zip(*reach, strict=True))
    return Interval(middle - below, middle + above)
