"""Intervals that are made of others, worked by hand."""

import math

import pytest

from robustgan.statistics import NO_INTERVAL, Interval, Term, outer, square_and_add


def test_square_and_add_by_hand() -> None:
    # Independent 0.8 (0.7, 0.9) - 0.5 (0.1, 0.6): 0.3 - sqrt(0.1^2 + 0.1^2), 0.3 + sqrt(0.1^2 + 0.4^2)
    first, second = Term(1, 0.8, Interval(0.7, 0.9)), Term(-1, 0.5, Interval(0.1, 0.6))
    assert square_and_add(first, second) == pytest.approx((0.3 - math.sqrt(0.02), 0.3 + math.sqrt(0.17)))
    # Correlation 0.5 takes 2 * 0.5 * 0.1 * 0.1 and 2 * 0.5 * 0.1 * 0.4 off
    assert square_and_add(first, second, 0.5) == pytest.approx((0.3 - 0.1, 0.3 + math.sqrt(0.13)))
    # The mean of 0.8 and 0.5: each reach is halved
    mean = square_and_add(first._replace(weight=0.5), second._replace(weight=0.5))
    assert mean == pytest.approx((0.65 - math.sqrt(0.05**2 + 0.2**2), 0.65 + math.sqrt(0.05**2 + 0.05**2)))


@pytest.mark.parametrize("known", [Interval(0.1, 0.6), NO_INTERVAL])
def test_what_has_no_interval_adds_up_to_what_has_none(known: Interval) -> None:
    for terms in ((Term(1, 0.8, NO_INTERVAL), Term(-1, 0.5, known)), (Term(1, 0.8, known), Term(-1, 0.5, NO_INTERVAL))):
        assert square_and_add(*terms) is NO_INTERVAL


def test_outer_takes_the_ends_of_those_that_exist() -> None:
    assert outer(Interval(0.1, 0.5), NO_INTERVAL, Interval(0.2, 0.6)) == (0.1, 0.6)
    assert outer(NO_INTERVAL) is NO_INTERVAL
