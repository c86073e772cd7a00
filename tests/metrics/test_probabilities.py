"""Brier score and calibration error against scikit-learn, the slow way, and models whose calibration is known."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from robustgan import metrics
from robustgan.metrics.cohort import Cohort
from robustgan.metrics.probabilities import apart, binned, brier, ece, squared
from tests.metrics.rows import cell, rows, study
from tests.metrics.test_cohort import made


def slow_ece(malignant: np.ndarray, score: np.ndarray) -> float:
    """Scores in order, cut into 15 parts of equal length."""
    order = np.argsort(score)
    parts = zip(np.array_split(malignant[order], 15), np.array_split(score[order], 15), strict=True)
    return sum(len(is_) * abs(is_.mean() - said.mean()) for is_, said in parts) / len(score)


def calibrated(patients: int, images: int, seed: int) -> tuple[Cohort, np.ndarray]:
    """Labels are drawn with the probability that the score says: the true error is zero."""
    rng = np.random.default_rng(seed)
    score, group = rng.random(patients * images), np.repeat(np.arange(patients), images)
    malignant = rng.random(len(score)) < score
    return Cohort(tuple(map(str, range(patients))), group, malignant, score, malignant), score


def test_values_are_those_of_scikit_learn_and_of_the_slow_way() -> None:
    here, score = made(150, 12)
    assert brier(here, score).attacked.value == pytest.approx(brier_score_loss(here.malignant, score))
    assert brier(here, score).clean.value == pytest.approx(brier_score_loss(here.malignant, here.clean_score))
    assert ece(here, score).attacked.value == pytest.approx(slow_ece(here.malignant, score))
    share, said = calibration_curve(here.malignant, score, n_bins=15, strategy="quantile")
    assert ece(here, score).attacked.value == pytest.approx(np.abs(share - said).mean(), abs=0.02)  # other edges


@pytest.mark.parametrize("ties", [0, 6])
def test_each_resample_is_that_of_weighted_images(ties: int) -> None:
    here, score = made(90, 11, ties=ties)
    index = binned(score)
    for (_, found, _), which in ((squared(here, score), "brier"), (apart(here, score), "ece")):
        for value, weights in zip(found[:15], here.weights, strict=False):
            many = np.repeat(np.arange(90), weights[here.group].astype(int))
            off = (score - here.malignant)[many]
            wanted = (off**2).mean() if which == "brier" else np.abs(np.bincount(index[many], off)).sum() / len(many)
            assert value == pytest.approx(wanted)


def test_bins_hold_equally_many_and_equal_scores_share_one() -> None:
    assert (np.bincount(binned(np.random.default_rng(0).random(150))) == 10).all()
    assert binned(np.full(40, 0.5)).tolist() == [0] * 40
    score = np.repeat([0.0, 0.3, 1.0], [50, 3, 47])
    assert (np.diff(binned(score)) >= 0).all()
    assert {len(set(binned(score)[score == value])) for value in (0.0, 0.3, 1.0)} == {1}


def test_a_calibrated_model_may_have_no_error_and_a_certain_one_has_much() -> None:
    holds = [
        ece(here, score).attacked.ends.low == 0 for here, score in (calibrated(20, 30, seed) for seed in range(30))
    ]
    assert np.mean(holds) >= 0.9
    here, score = calibrated(20, 30, 0)
    sure = np.round(score)  # says 0 or 1 where a quarter is otherwise
    found = ece(here, sure).attacked
    assert found.value == pytest.approx(0.25, abs=0.03)
    assert 0.15 < found.ends.low < 0.25 < found.ends.high < 0.35


def test_the_interval_of_brier_covers() -> None:
    hits, truth = 0, 1 / 6  # mean of u (1 - u)
    for seed in range(100):
        here, score = calibrated(20, 10, seed)
        found = brier(here, score).attacked.ends
        hits += found.low <= truth <= found.high
    assert 0.88 <= hits / 100 <= 1


def test_an_attack_that_makes_confident_errors_shows() -> None:
    found = metrics.evaluate(study(("clean", "fgsm", "pgd")))
    assert cell(found, "brier")["drop_high"] < 0
    for metric in ("brier", "ece"):
        row = cell(found, metric)
        assert row["clean_low"] <= row["clean"] <= row["clean_high"]
        assert row["low"] <= row["value"] <= row["high"]
        assert row["clean"] < row["value"]
        assert row["drop"] == pytest.approx(row["clean"] - row["value"])
        assert row["drop_low"] <= row["drop"] <= row["drop_high"]
        assert np.isnan(row["p"])


def test_few_groups_are_said() -> None:
    rng = np.random.default_rng(0)
    for patients, note in ((4, "4 groups: no interval"), (9, "9 groups: indicative only"), (10, "")):
        label = np.arange(patients * 10) % 2
        score = 0.7 * label + 0.3 * rng.random(len(label))
        found = metrics.evaluate(rows(label, score, rng.random(len(label)), [f"p{i // 10}" for i in range(len(label))]))
        for metric in ("brier", "ece"):
            row = cell(found, metric)
            assert np.isnan(row["low"]) == np.isnan(row["drop_low"]) == (patients < 5)
            assert note in row["note"]
