"""DeLong's covariance against all pairs of images, and against what independence gives."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from robustgan.statistics import delong


def slow(scores: np.ndarray, malignant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of a malignant and a benign image is looked at: the definition of 1988."""
    up, down = scores[:, malignant], scores[:, ~malignant]
    wins = (up[:, :, None] > down[:, None, :]) + 0.5 * (up[:, :, None] == down[:, None, :])
    by_malignant, by_benign = wins.mean(2), wins.mean(1)
    covariance = np.cov(by_malignant) / up.shape[1] + np.cov(by_benign) / down.shape[1]
    return wins.mean((1, 2)), covariance


@pytest.mark.parametrize("ties", [0, 4])
def test_delong_is_the_sum_over_all_pairs(ties: int) -> None:
    rng = np.random.default_rng(ties)
    malignant = rng.random(70) < 0.4
    scores = rng.random((3, 70)) + 0.4 * malignant
    scores = np.round(scores * ties) / ties if ties else scores
    found = delong(scores, malignant)
    auroc, covariance = slow(scores, malignant)
    assert found.auroc == pytest.approx(auroc)
    assert found.auroc == pytest.approx([roc_auc_score(malignant, score) for score in scores])
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-15)


def test_one_score_and_too_few_images() -> None:
    malignant = np.array([True, True, False, False])
    # scores 3, 1 against 2, 0: wins 2 of 2 and 1 of 2; benign 1/2 and 1. Variances 1/8 and 1/8, each halved.
    found = delong(np.array([[3.0, 1, 2, 0]]), malignant)
    assert found.auroc == pytest.approx([0.75])
    assert found.covariance == pytest.approx(np.array([[0.125]]))
    assert np.isnan(delong(np.array([[3.0, 1]]), malignant[1:3]).covariance).all()


def test_the_variance_is_that_of_repeated_independent_images() -> None:
    rng = np.random.default_rng(3)
    malignant = np.arange(80) % 2 == 0
    runs = [delong(rng.normal(size=(1, 80)) + malignant, malignant) for _ in range(600)]
    spread = np.var([run.auroc[0] for run in runs])
    assert np.mean([run.covariance[0, 0] for run in runs]) == pytest.approx(spread, rel=0.2)
