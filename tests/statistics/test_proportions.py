"""Worked values, reference implementations, and coverage that is shown and not claimed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betainc
from scipy.stats import binomtest

from robustgan.statistics import (
    NO_INTERVAL,
    clopper_pearson,
    correlation,
    expanded_percentile,
    icc,
    korn_graubard,
    wilson,
)
from robustgan.statistics.proportions import freedom

COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS)
def test_the_intervals_of_independent_trials_are_those_of_scipy(counts: tuple[int, int]) -> None:
    right, n = counts
    trial = binomtest(right, n)
    for found, method in ((clopper_pearson(right, n), "exact"), (wilson(right, n), "wilson")):
        wanted = trial.proportion_ci(method=method)
        assert found == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_no_trials_have_no_interval() -> None:
    assert clopper_pearson(0, 0) is NO_INTERVAL
    assert wilson(0, 0) is NO_INTERVAL


@pytest.mark.parametrize(("groups", "low"), [(7, 0.590), (9, 0.664), (19, 0.824), (28, 0.877)])
def test_where_every_group_is_right_the_groups_are_counted_and_not_the_images(groups: int, low: float) -> None:
    sizes = np.arange(10.0, 10.0 + groups)
    assert korn_graubard(sizes, sizes) == pytest.approx((low, 1), abs=5e-4)
    assert korn_graubard(0 * sizes, sizes) == pytest.approx((0, 1 - low), abs=5e-4)


def test_korn_graubard_against_values_worked_by_hand() -> None:
    # 4 groups of 10 with 10, 8, 9, 7 right: p = 34/40 = 0.85
    # k - 10 p:  1.5, -0.5, 0.5, -1.5; sum of squares = 2.25 + 0.25 + 0.25 + 2.25 = 5
    # v = 4/3 * 5 / 40^2 = 1/240;  n_eff = 0.85 * 0.15 * 240 = 30.6
    # z = 1.959964, t(3) = 3.182446: (z/t)^2 = 0.379294;  n* = min(40, 30.6 * 0.379294) = 11.60640
    # x = 0.85 * 11.60640 = 9.86544; the ends solve I_low(x, n*-x+1) = 0.025 and I_high(x+1, n*-x) = 0.975
    low, high = korn_graubard(np.array([10.0, 8, 9, 7]), np.full(4, 10.0))
    x, n = 9.86544, 11.60640
    assert betainc(x, n - x + 1, low) == pytest.approx(0.025, abs=1e-5)
    assert betainc(x + 1, n - x, high) == pytest.approx(0.975, abs=1e-5)


def test_korn_graubard_of_unequal_groups_by_hand() -> None:
    # sizes 2, 4, 6, 8 with 1, 4, 3, 6 right: p = 14/20 = 0.7
    # k - 0.7 m: -0.4, 1.2, -1.2, 0.4; squares 0.16 + 1.44 + 1.44 + 0.16 = 3.2
    # v = 4/3 * 3.2 / 400 = 0.0106667;  n_eff = 0.21 / 0.0106667 = 19.6875;  n* = 19.6875 * 0.379294 = 7.46735
    low, high = korn_graubard(np.array([1.0, 4, 3, 6]), np.array([2.0, 4, 6, 8]))
    assert (low, high) == pytest.approx(clopper_pearson(0.7 * 7.46735, 7.46735), abs=1e-5)


def test_korn_graubard_never_counts_more_images_than_there_are() -> None:
    # Ten groups of 2 with exactly 1 right but for one pair that is 2 and 0: far less spread than chance.
    right = np.array([1.0] * 8 + [2.0, 0.0])
    # v = 10/9 * 2 / 400 = 1/180; n_eff = 0.25 * 180 = 45 * (1.959964/2.262157)^2 = 33.78 > 20 images
    assert korn_graubard(right, np.full(10, 2.0)) == pytest.approx(clopper_pearson(10, 20))
    assert korn_graubard(right / 2, np.ones(10), images=20.0) == pytest.approx(clopper_pearson(10, 20))


def test_a_variance_from_one_group_has_few_degrees_of_freedom() -> None:
    # deviations 8 and eight times -1: squares add up to 72, fourth powers to 4104; kurtosis 9 * 4104 / 72^2 = 7.125
    assert freedom(np.array([8.0] + [-1.0] * 8)) == pytest.approx(18 / 6.125)
    assert freedom(np.array([1.0, -1, 1, -1])) == 3  # all give the same
    assert freedom(np.array([2.0, -1, -1, 0])) == 3  # kurtosis 4 * 18 / 36 = 2, 2 * 4 / 1 = 8: no more than groups - 1


def test_groups_whose_images_all_agree_are_still_counted() -> None:
    # 8 groups of 10 right, one 2 of 10: p = 82/90, v = 9/8 * 56.8889 / 8100, n_eff = 10.25, t(2.94) makes it 3.8;
    # but images that agree within each of 9 groups are still 9 trials
    right = np.array([10.0] * 8 + [2])
    assert korn_graubard(right, np.full(9, 10.0)) == pytest.approx(clopper_pearson(8.2, 9))
    # groups of 2 and 6, all or nothing: (2 + 6 + 6)^2 / (4 + 36 + 36) = 2.5789 trials
    uneven = np.array([2.0, 6, 6])
    assert korn_graubard(np.array([0.0, 6, 6]), uneven) == pytest.approx(clopper_pearson(12 / 14 * 196 / 76, 196 / 76))


def test_groups_that_all_succeed_do_not_tell_how_failures_cluster() -> None:
    # 10 groups of 10, two with 8 right: v = 10/9 * 6.4 / 100^2, n_eff = 0.96 * 0.04 / v = 54; two groups have
    # failures, so t(2) = 4.302653 and n* = 54 * (1.959964 / 4.302653)^2 = 11.20519; t(8.9) would give 40.8
    right = np.array([10.0] * 8 + [8, 8])
    found = korn_graubard(right, np.full(10, 10.0))
    assert found == pytest.approx(clopper_pearson(0.96 * 11.20519, 11.20519), abs=1e-5)


def test_one_group_has_no_interval() -> None:
    assert korn_graubard(np.array([3.0]), np.array([4.0])) is NO_INTERVAL
    assert expanded_percentile(np.arange(10.0), 1) is NO_INTERVAL


def clustered(rng: np.random.Generator, groups: int, rate: float, alike: float) -> tuple[np.ndarray, np.ndarray]:
    """Right and trials of each group: 10 to 60 images, beta-binomial with intraclass correlation `alike`."""
    sizes = rng.integers(10, 61, groups)
    scale = (1 - alike) / alike
    right = rng.binomial(sizes, rng.beta(rate * scale, (1 - rate) * scale, groups))
    return right.astype(float), sizes.astype(float)


def test_korn_graubard_covers_where_wilson_on_images_does_not() -> None:
    rng = np.random.default_rng(0)
    hits = np.zeros(2)
    for _ in range(1000):
        right, sizes = clustered(rng, 17, 0.9, 0.1)
        for i, found in enumerate((korn_graubard(right, sizes), wilson(right.sum(), sizes.sum()))):
            hits[i] += found.low <= 0.9 <= found.high
    clustered_by_patient, naive = hits / 1000
    assert 0.90 <= clustered_by_patient <= 0.98
    assert naive < 0.75


def test_icc_by_hand_and_recovered() -> None:
    # right 2, 0, 1 of 2 each: between (4/2 + 0 + 1/2 - 9/6) / 2 = 0.5, within (3 - 2.5) / 3 = 1/6, size 2
    # (0.5 - 1/6) / (0.5 + 1/6) = 0.5
    assert icc(np.array([2.0, 0, 1]), np.full(3, 2.0)) == pytest.approx(0.5)
    assert icc(np.array([3.0, 0, 5]), np.array([3.0, 4, 5])) == pytest.approx(1)
    assert math.isnan(icc(np.array([3.0, 4]), np.array([3.0, 4])))  # all right: nothing varies
    assert math.isnan(icc(np.array([1.0, 0]), np.ones(2)))  # one image a patient: it cannot be told
    right, sizes = clustered(np.random.default_rng(1), 800, 0.8, 0.3)
    assert icc(right, sizes) == pytest.approx(0.3, abs=0.04)


def test_correlation_of_shares() -> None:
    sizes = np.array([4.0, 4, 4])
    first = np.array([4.0, 2, 0])
    assert correlation(first, first, sizes) == pytest.approx(1)
    assert correlation(first, 4 - first, sizes) == pytest.approx(-1)
    assert correlation(first, sizes, sizes) == 0
    assert correlation(np.zeros(0), np.zeros(0), np.zeros(0)) == 0
