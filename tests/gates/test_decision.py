"""A number with its interval against a limit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustgan.gates.decision import Limit, Reading, decide

ORDER = {"fail": 0, "indeterminate": 1, "pass": 2}
fractions = st.floats(0, 1)
bounds = st.sampled_from(["low", "high", "point"])


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """A number inside its interval."""
    low, value, high = sorted(draw(st.tuples(fractions, fractions, fractions)))
    return Reading(value, low, high, 100, draw(st.integers(5, 40)))


def better(reading: Reading, at_least: bool, by: float) -> Reading:
    """The same, moved towards what is wanted."""
    step = by if at_least else -by
    return reading._replace(value=reading.value + step, low=reading.low + step, high=reading.high + step)


@pytest.mark.parametrize(
    ("bound", "at_least", "limit", "expected"),
    [
        ("low", True, 0.80, "pass"),
        ("low", True, 0.85, "indeterminate"),  # inside the interval, and the point passes
        ("low", True, 0.93, "indeterminate"),  # inside the interval, and the point fails
        ("low", True, 0.96, "fail"),
        ("point", True, 0.85, "pass"),
        ("point", True, 0.93, "fail"),
        ("high", True, 0.93, "pass"),
        ("high", True, 0.96, "fail"),
        ("high", False, 0.96, "pass"),
        ("high", False, 0.93, "indeterminate"),
        ("high", False, 0.79, "fail"),
        ("point", False, 0.89, "fail"),
        ("low", False, 0.80, "pass"),
        ("low", False, 0.79, "fail"),
    ],
)
def test_zones(bound: str, at_least: bool, limit: float, expected: str) -> None:
    reading = Reading(0.9, 0.8, 0.95, 100, 30)
    status, reason = decide(reading, Limit(limit, at_least, bound, 10))
    assert status == expected
    assert f"{limit:.6g}" in reason


@given(readings(), fractions, st.floats(0, 1), st.booleans(), bounds)
def test_a_tighter_limit_never_helps(reading: Reading, limit: float, by: float, at_least: bool, bound: str) -> None:
    tighter = limit + by if at_least else limit - by
    loose, _ = decide(reading, Limit(limit, at_least, bound, 10))
    tight, _ = decide(reading, Limit(tighter, at_least, bound, 10))
    assert ORDER[tight] <= ORDER[loose]


@given(readings(), fractions, st.floats(0, 1), st.booleans(), bounds)
def test_a_worse_number_never_helps(reading: Reading, limit: float, by: float, at_least: bool, bound: str) -> None:
    rule = Limit(limit, at_least, bound, 10)
    assert ORDER[decide(better(reading, at_least, -by), rule)[0]] <= ORDER[decide(reading, rule)[0]]


@given(readings(), fractions, st.booleans(), bounds)
def test_fewer_patients_never_help(reading: Reading, limit: float, at_least: bool, bound: str) -> None:
    few, many = (decide(reading._replace(groups=n), Limit(limit, at_least, bound, 10))[0] for n in (9, 10))
    assert few != "pass"
    assert ORDER[few] <= ORDER[many]


@given(readings(), fractions, st.booleans())
def test_the_strict_end_passes_least(reading: Reading, limit: float, at_least: bool) -> None:
    ends = ("low", "point", "high") if at_least else ("high", "point", "low")
    passes = [decide(reading, Limit(limit, at_least, end, 5))[0] == "pass" for end in ends]
    assert passes == sorted(passes)


@pytest.mark.parametrize("lost", ["value", "low", "high"])
@pytest.mark.parametrize("bound", ["low", "high", "point"])
@pytest.mark.parametrize("at_least", [True, False])
def test_what_is_missing_never_passes(lost: str, bound: str, at_least: bool) -> None:
    reading = Reading(0.9, 0.8, 0.95, 100, 30, "3 groups: no interval")._replace(**{lost: math.nan})
    status, reason = decide(reading, Limit(0.5, at_least, bound, 10))
    assert status == "indeterminate"
    assert "3 groups" in reason
