"""Tests of two verdicts on the same images, against enumeration and statsmodels."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from statsmodels.stats import contingency_tables

from robustgan.statistics import durkalski, mcnemar, sign_flip


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
    return contingency_tables.mcnemar([[0, lost], [won, 0]], exact=True).pvalue


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


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_that_of_statsmodels(lost: int, won: int) -> None:
    assert mcnemar(lost, won) == pytest.approx(image_level(lost, won) if lost + won else 1)


@given(st.integers(0, 30), st.integers(1, 30))
def test_of_one_image_a_group_durkalski_is_mcnemar_without_correction(lost: int, won: int) -> None:
    differences = np.array([1] * lost + [-1] * won + [0] * 4)
    wanted = contingency_tables.mcnemar([[4, lost], [won, 0]], exact=False, correction=False).pvalue
    assert durkalski(differences, np.ones(len(differences))) == pytest.approx(wanted)


def test_durkalski_by_hand() -> None:
    # shares 3/6, 1/4, -1/4, 2/8: sum 0.75, squares 0.25 + 3 * 0.0625 = 0.4375; 0.5625 / 0.4375 = 1.285714
    found = durkalski(np.array([3, 1, -1, 2]), np.array([6.0, 4, 4, 8]))
    assert found == pytest.approx(chi2.sf(1.2857143, 1), abs=1e-7)
    assert durkalski(np.zeros(3, dtype=int), np.ones(3)) == 1


def test_durkalski_weighs_groups_and_not_images() -> None:
    # ten times the images with the same shares: the same answer; McNemar on images would be far surer
    few = durkalski(np.array([1, 2, -1, 1, 1]), np.full(5, 5.0))
    assert durkalski(np.array([10, 20, -10, 10, 10]), np.full(5, 50.0)) == pytest.approx(few)
