"""Kappas against scikit-learn, statsmodels and closed forms; intervals that widen where patients repeat."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from robustgan.rating.agreement import cohen, fleiss, kappa, share

ANSWERS = st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=2, max_size=30)


@settings(max_examples=60, deadline=None)
@given(ANSWERS, st.integers(0, 1000))
def test_cohen_is_scikit_learns(rows: list[tuple[int, ...]], seed: int) -> None:
    first, second = np.array(rows)[:, 0], np.array(rows)[:, 1]
    weights = np.vstack([np.ones(len(rows)), np.random.default_rng(seed).integers(1, 5, len(rows))]).astype(float)
    for mine, weight in zip(cohen(first, second, 3, weights), weights, strict=True):
        if len({*first, *second}) > 1:
            assert mine == pytest.approx(cohen_kappa_score(first, second, sample_weight=weight), abs=1e-9)
        else:
            assert math.isnan(mine)


@settings(max_examples=60, deadline=None)
@given(ANSWERS)
def test_fleiss_is_statsmodels(rows: list[tuple[int, ...]]) -> None:
    table = np.array(rows)
    (mine,) = fleiss(list(table.T), 3, np.ones((1, len(rows))))
    if len(np.unique(table)) > 1:
        assert mine == pytest.approx(fleiss_kappa(aggregate_raters(table, 3)[0]), abs=1e-9)
    else:
        assert math.isnan(mine)


def test_the_example_of_cohens_textbooks() -> None:
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: seen 0.7, by chance 0.5, kappa 0.4."""
    first = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    second = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    found = kappa([first, second], 2, [str(i) for i in range(50)])
    assert found.value == pytest.approx(0.4)
    assert found.n == 50
    # The large-sample standard error is sqrt(0.7 * 0.3 / 50) / (1 - 0.5) = 0.13.
    assert found.ends.high - found.ends.low == pytest.approx(2 * 1.96 * 0.13, rel=0.15)


def test_intervals_count_patients() -> None:
    first = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    second = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    alone = kappa([first, second], 2, [str(i) for i in range(50)])
    patients = kappa([first, second], 2, [str(i // 5) for i in range(50)])
    assert patients.value == alone.value
    assert patients.ends.high - patients.ends.low > 1.5 * (alone.ends.high - alone.ends.low)


def test_nothing_to_agree_on_is_nan_and_not_zero() -> None:
    assert math.isnan(kappa([np.array([], dtype=int)] * 2, 2, []).value)
    found = kappa([np.zeros(9, dtype=int)] * 3, 2, list("abcdefghi"))
    assert math.isnan(found.value)
    assert math.isnan(found.ends.low)


def test_a_share_of_one_patient_has_no_interval() -> None:
    hit = np.array([True, False, True, True])
    found = share(hit, np.ones(4, dtype=bool), ["a"] * 4)
    assert found.value == 0.75
    assert math.isnan(found.ends.low)
    assert share(hit, np.zeros(4, dtype=bool), list("abcd")).n == 0
