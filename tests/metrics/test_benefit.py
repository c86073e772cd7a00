"""Net benefit against what it must be on paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robustgan.metrics.benefit import benefit_of_all, net_benefit

SCORE = np.array([0.1, 0.4, 0.4, 0.6, 0.9])
MALIGNANT = np.array([False, True, False, False, True])


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.05, (2 - 3 * 0.05 / 0.95) / 5),  # all five are called malignant
        (0.4, (2 - 2 * 0.4 / 0.6) / 5),  # a score at the threshold is
        (0.5, (1 - 1) / 5),
        (0.75, 1 / 5),
        (0.95, 0.0),  # nothing is
    ],
)
def test_closed_form(threshold: float, expected: float) -> None:
    assert net_benefit(SCORE, MALIGNANT, np.array([threshold]))[0] == pytest.approx(expected)


def test_a_perfect_classifier_is_worth_every_cancer_and_a_reversed_one_does_harm() -> None:
    thresholds = np.arange(1, 100) / 100
    perfect = net_benefit(MALIGNANT.astype(float), MALIGNANT, thresholds)
    assert perfect == pytest.approx(np.full(99, 0.4))
    reversed_ = net_benefit(1 - MALIGNANT.astype(float), MALIGNANT, thresholds)
    assert reversed_ == pytest.approx(-0.6 * thresholds / (1 - thresholds))


def test_all_malignant_is_worth_nothing_at_the_share_of_cancers() -> None:
    assert benefit_of_all(0.4, np.array([0.4]))[0] == pytest.approx(0)
    thresholds = np.array([0.01, 0.09])
    assert benefit_of_all(0.4, thresholds) == pytest.approx(net_benefit(SCORE, MALIGNANT, thresholds))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.floats(0.01, 0.99))
def test_it_is_the_definition_image_by_image(images: list[tuple[float, bool]], threshold: float) -> None:
    gains = [(1 if malignant else -threshold / (1 - threshold)) for score, malignant in images if score >= threshold]
    score, malignant = (np.array(part) for part in zip(*images, strict=True))
    found = net_benefit(score, malignant, np.array([threshold]))[0]
    assert found == pytest.approx(sum(gains) / len(images), abs=1e-9)
    assert found <= malignant.mean() + 1e-12
