"""Operating points against every threshold that there is, and by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from robustgan import metrics
from robustgan.errors import InputError
from robustgan.metrics.operating import at, choose
from tests.metrics.rows import cell, study

SCORES = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 19)), min_size=2, max_size=40).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


def rates(score: np.ndarray, label: np.ndarray, threshold: float) -> tuple[float, float]:
    called = score >= threshold
    return called[label == 1].mean(), (~called)[label == 0].mean()


@given(SCORES)
@settings(deadline=None)
def test_no_threshold_is_better(images: list[tuple[int, int]]) -> None:
    label, score = (np.array(column) for column in zip(*images, strict=True))
    score = score / 20
    every = np.concatenate([(np.unique(score) + 1e-6), (np.unique(score) - 1e-6)])
    youden = choose(score, label, "youden")
    assert 0 < youden < 1
    assert sum(rates(score, label, youden)) == pytest.approx(max(sum(rates(score, label, t)) for t in every))
    up, down, _ = roc_curve(label, score)[::-1][1], roc_curve(label, score)[0], None
    assert sum(rates(score, label, youden)) - 1 == pytest.approx((up - down).max())
    for least in (0.5, 0.9, 1.0):
        sensitivity, specificity = rates(score, label, choose(score, label, "sensitivity", least))
        assert sensitivity >= least
        allowed = [rates(score, label, t) for t in every if rates(score, label, t)[0] >= least]
        assert specificity == pytest.approx(max(down for _, down in allowed))


def test_the_centre_of_the_plateau_is_taken() -> None:
    # anything in (0.2, 0.9] tells all apart
    score, label = np.array([0.1, 0.2, 0.9, 0.95]), np.array([0, 0, 1, 1])
    assert choose(score, label, "youden") == pytest.approx(0.55)
    assert choose(score, label, "sensitivity", 1.0) == pytest.approx(0.55)
    assert choose(score, label, "sensitivity", 0.5) == pytest.approx(0.55)  # no more sensitivity is given away
    # with a half, one malignant image may be missed where that clears a benign one: (0.4, 0.8]
    assert choose(np.array([0.1, 0.4, 0.3, 0.8]), label, "sensitivity", 0.5) == pytest.approx(0.6)
    # Youden: (0.1, 0.3] and (0.4, 0.8] are equally good and not neighbours: the wider one
    assert choose(np.array([0.1, 0.4, 0.3, 0.8]), label, "youden") == pytest.approx(0.6)
    assert choose(np.full(4, 0.7), label, "youden") == 0.5  # nothing is told apart: all are equally bad


def test_saturated_scores_leave_a_threshold_inside() -> None:
    score, label = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1])
    assert choose(score, label, "youden") == 0.5
    assert choose(score.astype(np.float32), label, "sensitivity", 0.9) == 0.5


def test_what_cannot_be_placed_is_refused() -> None:
    label = np.array([0, 1, 1])
    with pytest.raises(InputError, match=r"needs malignant and benign validation images; found labels \[1\]"):
        choose(np.array([0.1, 0.2]), label[1:], "youden")
    with pytest.raises(InputError, match=r"scores in \[0, 1\]"):
        choose(np.array([0.1, math.nan, 0.2]), label, "youden")
    with pytest.raises(InputError, match=r"sensitivity of 0.9 .* 1 of 2 malignant ones score exactly 0"):
        choose(np.array([0.1, 0.0, 0.2]), label, "sensitivity", 0.9)


def test_the_same_predictions_at_another_threshold() -> None:
    frame = study(("clean", "fgsm"))
    pd.testing.assert_frame_equal(at(frame, 0.5), frame)
    moved = at(frame, 0.9)
    label = frame["label"] == 1
    wanted = (frame["score"] >= 0.9)[label & (frame["attack"] == "fgsm")].mean()
    assert cell(metrics.evaluate(moved), "sensitivity", attack="fgsm")["value"] == pytest.approx(wanted)
    assert (moved["clean_pred"] == (frame["clean_score"] >= 0.9)).all()
    for threshold in (0.0, 1.0, math.nan):
        with pytest.raises(InputError, match=r"inside \(0, 1\)"):
            at(frame, threshold)
