"""Resamples of groups, and intervals from them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustgan.statistics import NO_INTERVAL, expanded_percentile, logit_t, resample


def test_resamples_keep_strata_and_belong_to_the_groups() -> None:
    names = [f"patient {i}" for i in range(12)]
    strata = np.array([1] * 5 + [2] * 6 + [3])
    weights = resample(names, strata, 400)
    assert weights.shape == (400, 12)
    assert (weights[:, :5].sum(1) == 5).all()
    assert (weights[:, 5:].sum(1) == 7).all()  # the stratum of one group is drawn with the largest
    assert weights.mean(0) == pytest.approx(np.ones(12), abs=0.2)
    assert np.array_equal(weights, resample(names, strata, 400))
    assert not np.array_equal(weights, resample([*names[:-1], "another"], strata, 400))


def test_expanded_percentiles_are_further_out_than_plain_ones() -> None:
    # 10 groups: sqrt(10/9) * t(9) = 1.054093 * 2.262157 = 2.384523, and the normal tail beyond it is 0.008551
    values = np.linspace(0, 1, 100_001)
    assert expanded_percentile(values, 10) == pytest.approx((0.008551, 1 - 0.008551), abs=1e-5)
    some = np.where(np.arange(len(values)) % 3 == 0, np.nan, values)
    assert expanded_percentile(some, 10) == pytest.approx((0.008551, 1 - 0.008551), abs=1e-4)
    assert expanded_percentile(np.full(100, np.nan), 10) is NO_INTERVAL


def test_the_bootstrap_of_a_mean_has_the_width_of_a_t_interval() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=40)
    weights = resample([str(i) for i in range(40)], np.zeros(40, dtype=int))
    low, high = expanded_percentile(weights @ values / 40, 40)
    assert high - low == pytest.approx(2 * 2.0227 * values.std(ddof=1) / math.sqrt(40), rel=0.08)


def test_on_the_logit_scale_a_t_interval_stands_around_the_value() -> None:
    """Draws without skew and a value of one half: the slope of the log-odds is 4, and it is a t interval."""
    draws = 0.5 + 0.02 * np.random.default_rng(0).normal(size=2000)
    found = logit_t(0.5, draws, 9)
    half = 2.306 * 4 * draws.std(ddof=1)  # t of 8 degrees of freedom
    assert [math.log(end / (1 - end)) for end in found] == pytest.approx([-half, half], rel=1e-3)


@given(st.floats(0.01, 0.99), st.floats(0.001, 0.4), st.integers(2, 60))
def test_the_logit_interval_stays_inside_and_mirrors(value: float, spread: float, groups: int) -> None:
    draws = np.clip(value + spread * np.linspace(-1, 1, 200), 0, 1)
    found, mirrored = logit_t(value, draws, groups), logit_t(1 - value, 1 - draws, groups)
    assert 0 <= found.low < value < found.high <= 1
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx(found, abs=1e-9)
    wider = logit_t(value, np.append(draws, np.nan), groups)  # where it is not defined it does not count
    assert wider == pytest.approx(found)


def test_without_spread_or_groups_there_is_no_logit_interval() -> None:
    draws = np.linspace(0.6, 0.9, 100)
    assert logit_t(0.8, draws, 1) is NO_INTERVAL
    assert logit_t(0.8, np.where(np.arange(100) < 60, np.nan, draws), 5) is NO_INTERVAL
    assert logit_t(1.0, np.ones(100), 5) == (1.0, 1.0)  # a point: whoever reads it says that it is none
    assert logit_t(0.0, draws, 5) == (0.0, 0.0)
