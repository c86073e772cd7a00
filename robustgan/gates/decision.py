"""A number with its interval, a limit, and which end of the interval decides: pass, fail or indeterminate."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from robustgan.gates.rows import Status

Deciding = Literal["low", "high", "point"]


class Reading(NamedTuple):
    """A number with its 95 % interval and what it was counted from."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    images: int = 0
    groups: int = 0
    note: str = ""


class Limit(NamedTuple):
    """What a policy allows."""

    number: float
    at_least: bool  # else at most
    bound: Deciding
    fewest: int  # groups; a number from fewer passes nothing


def decide(reading: Reading, limit: Limit) -> tuple[Status, str]:
    """Hold a number against a limit.

    It passes where the deciding end satisfies the limit. It fails where no end of the interval that is better does.
    Between the two the data do not say, and neither does the verdict. The point decides alone: there is no between.
    A number that is missing, has no interval, or comes from fewer groups than the policy wants never passes.

    Returns:
        The status, and the reason in words.
    """
    value, low, high = reading.value, reading.low, reading.high
    if not all(map(math.isfinite, (value, low, high))):
        lacks = "no such number" if not math.isfinite(value) else f"{value:.6g} has no interval"
        return "indeterminate", _with(lacks, reading.note)
    end = {"low": low, "high": high, "point": value}[limit.bound]
    best = value if limit.bound == "point" else (high if limit.at_least else low)
    rule = f"{'at least' if limit.at_least else 'at most'} {limit.number:.6g}"
    which = "the value" if limit.bound == "point" else f"the {limit.bound} end of its interval"
    if holds(end, limit):
        if reading.groups < limit.fewest:
            few = f"{which}, {end:.6g}, is {rule}, but {reading.groups} patients are too few (needed: {limit.fewest})"
            return "indeterminate", _with(few, reading.note)
        return "pass", _with(f"{which}, {end:.6g}, is {rule}", reading.note)
    if not holds(best, limit):
        found = f"{which}, {end:.6g}," if limit.bound == "point" else f"even the better end, {best:.6g},"
        return "fail", _with(f"{found} is not {rule}", reading.note)
    alone = "would" if holds(value, limit) else "would not"
    return "indeterminate", _with(
        f"the limit, {rule}, lies inside the interval {low:.6g} to {high:.6g}; {value:.6g} alone {alone} satisfy it",
        reading.note,
    )


def holds(number: float, limit: Limit) -> bool:
    """Whether a number satisfies the limit."""
    return number >= limit.number if limit.at_least else number <= limit.number


def _with(reason: str, note: str) -> str:
    return f"{reason} ({note})" if note else reason
