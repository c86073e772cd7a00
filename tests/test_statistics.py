"""Worked values, reference implementations, and coverage that is shown and not claimed."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from robustgan.statistics import (
    NO_INTERVAL,
    Interval,
    Term,
    clopper_pearson,
    correlation,
    expanded_percentile,
    holm,
    icc,
    korn_graubard,
    outer,
    resample,
    sign_flip,
    square_and_add,
    wilson,
)

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


def test_square_and_add_by_hand() -> None:
    # Independent 0.8 (0.7, 0.9) - 0.5 (0.1, 0.6): 0.3 - sqrt(0.1^2 + 0.1^2), 0.3 + sqrt(0.1^2 + 0.4^2)
    first, second = Term(1, 0.8, Interval(0.7, 0.9)), Term(-1, 0.5, Interval(0.1, 0.6))
    assert square_and_add(first, second) == pytest.approx((0.3 - math.sqrt(0.02), 0.3 + math.sqrt(0.17)))
    # Correlation 0.5 takes 2 * 0.5 * 0.1 * 0.1 and 2 * 0.5 * 0.1 * 0.4 off
    assert square_and_add(first, second, 0.5) == pytest.approx((0.3 - 0.1, 0.3 + math.sqrt(0.13)))
    # The mean of 0.8 and 0.5: each reach is halved
    mean = square_and_add(first._replace(weight=0.5), second._replace(weight=0.5))
    assert mean == pytest.approx((0.65 - math.sqrt(0.05**2 + 0.2**2), 0.65 + math.sqrt(0.05**2 + 0.05**2)))


def test_correlation_of_shares() -> None:
    sizes = np.array([4.0, 4, 4])
    first = np.array([4.0, 2, 0])
    assert correlation(first, first, sizes) == pytest.approx(1)
    assert correlation(first, 4 - first, sizes) == pytest.approx(-1)
    assert correlation(first, sizes, sizes) == 0
    assert correlation(np.zeros(0), np.zeros(0), np.zeros(0)) == 0


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


def test_outer_takes_the_ends_of_those_that_exist() -> None:
    assert outer(Interval(0.1, 0.5), NO_INTERVAL, Interval(0.2, 0.6)) == (0.1, 0.6)
    assert outer(NO_INTERVAL) is NO_INTERVAL


@given(st.lists(st.integers(-6, 6), max_size=10))
@settings(deadline=None)
def test_sign_flip_is_the_enumeration_of_all_signs(differences: list[int]) -> None:
    values = np.array(differences, dtype=int)
    reached = [abs(np.dot(signs, values)) for signs in itertools.product((-1, 1), repeat=len(values))]
    assert sign_flip(values) == pytest.approx(np.mean(np.array(reached) >= abs(values.sum())))


def test_sign_flip_floor_and_many_groups() -> None:
    assert sign_flip(np.full(9, 3)) == pytest.approx(2 / 2**9)  # 0.0039: the smallest that 9 patients can give
    rng = np.random.default_rng(5)
    values = rng.integers(-8, 12, 60)
    signs = rng.choice([-1, 1], (40_000, 60))
    drawn = np.mean(np.abs(signs @ values) >= abs(values.sum()))
    assert sign_flip(values) == pytest.approx(drawn, abs=0.01)


def image_level(lost: int, won: int) -> float:
    return mcnemar([[0, lost], [won, 0]], exact=True).pvalue


def test_sign_flip_holds_its_level_where_mcnemar_on_images_does_not() -> None:
    rng, groups, false = np.random.default_rng(7), 12, np.zeros(2)
    for _ in range(400):
        sizes = rng.integers(10, 40, groups)
        changed = rng.binomial(sizes, 0.3)
        lost = rng.binomial(changed, rng.beta(0.75, 0.75, groups))  # as often better as worse, but alike in a patient
        won = changed - lost
        false += np.array([sign_flip(lost - won), image_level(int(lost.sum()), int(won.sum()))]) < 0.05
    by_patient, by_image = false / 400
    assert by_patient <= 0.07
    assert by_image > 0.2


@given(st.integers(0, 30), st.integers(0, 30))
def test_of_one_verdict_a_patient_sign_flip_is_mcnemar_s_exact_test(lost: int, won: int) -> None:
    wanted = image_level(lost, won) if lost + won else 1
    assert sign_flip(np.array([1] * lost + [-1] * won + [0] * 3)) == pytest.approx(wanted)


@pytest.mark.parametrize("tests", [1, 3, 40])
def test_holm_is_that_of_statsmodels_and_leaves_nan_out(tests: int) -> None:
    p = np.random.default_rng(tests).random(tests) ** 6
    p[1::5] = p[0]  # ties
    wanted = multipletests(p, method="holm")[1]
    assert holm(p) == pytest.approx(wanted)
    with_gaps = np.insert(p, [0, tests], math.nan)
    assert holm(with_gaps) == pytest.approx(np.insert(wanted, [0, tests], math.nan), nan_ok=True)
    assert np.isnan(holm(np.full(2, math.nan))).all()
