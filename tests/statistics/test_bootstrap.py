"""Resamples of groups, and intervals from them."""

import math

import numpy as np
import pytest

from robustgan.statistics import NO_INTERVAL, expanded_percentile, resample


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
