"""The bootstrap of AUROC against a slow one, and bundles of groups."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from robustgan.metrics import cohort
from robustgan.metrics.cohort import Cohort, auroc_draws
from robustgan.metrics.estimates import auroc, balanced, share


def made(images: int, groups: int, seed: int = 0, ties: int = 0, mixed: bool = True) -> tuple[Cohort, np.ndarray]:
    """A cohort with a classifier that is right most of the time, and attacked scores."""
    rng = np.random.default_rng(seed)
    group = np.concatenate([np.arange(groups), rng.integers(groups, size=images - groups)])
    malignant = rng.random(images) < 0.6 if mixed else group % 3 > 0
    clean, score = (0.3 * malignant + rng.random(images) * 0.7 for _ in range(2))
    if ties:
        clean, score = np.round(clean * ties) / ties, np.round(score * ties) / ties
    names = tuple(f"p{i:05d}" for i in range(groups))
    return Cohort(names, group, malignant, clean, (clean >= 0.5) == malignant), score


@pytest.mark.parametrize("ties", [0, 5])
@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("block", [1, 4_000_000])
def test_auroc_of_each_resample_is_that_of_weighted_images(
    ties: int, mixed: bool, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort, "BLOCK", block)
    here, score = made(80, 13, ties=ties, mixed=mixed)
    value, draws = auroc_draws(here, score)
    assert value == pytest.approx(roc_auc_score(here.malignant, score))
    for found, weights in zip(draws[:20], here.weights, strict=False):
        assert found == pytest.approx(roc_auc_score(here.malignant, score, sample_weight=weights[here.group]))


def test_the_interval_of_auroc_covers() -> None:
    rng, hits, truth = np.random.default_rng(2), 0, 0.7602  # P(N(1, 2) > 0), both variances one
    for _ in range(100):
        group = np.arange(120) % 30
        malignant = group % 2 == 0
        score = malignant + rng.normal(size=120)
        here = Cohort(tuple(map(str, range(30))), group, malignant, score, malignant)
        found = auroc(here, score).clean
        hits += found.ends.low <= truth <= found.ends.high
    assert 0.89 <= hits / 100 <= 0.99


def test_very_many_groups_are_resampled_in_bundles_and_the_width_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, score = made(2400, 1200, mixed=False)
    assert here.weights.shape[1] <= cohort.UNITS
    assert len(np.unique(here.bundles)) == here.weights.shape[1]
    for bundle in np.unique(here.bundles):
        assert len(set(here.strata[here.bundles == bundle])) == 1
    bundled = auroc(here, score).attacked
    monkeypatch.setattr(cohort, "UNITS", 5000)
    one_by_one = auroc(made(2400, 1200, mixed=False)[0], score).attacked
    assert bundled.value == pytest.approx(one_by_one.value)
    width = one_by_one.ends.high - one_by_one.ends.low
    assert bundled.ends.high - bundled.ends.low == pytest.approx(width, rel=0.12)


def test_drops_and_balanced_accuracy_cover() -> None:
    # 20 patients that carry both classes; attacked accuracy and the drop differ by patient
    rng, hits, runs = np.random.default_rng(4), np.zeros(2), 200
    for _ in range(runs):
        group = np.repeat(np.arange(20), 30)
        malignant = np.tile(np.arange(30) % 2 == 0, 20)
        clean = rng.random(600) < rng.beta(18, 2, 20)[group]
        right = clean & (rng.random(600) > rng.beta(2, 2, 20)[group])
        here = Cohort(tuple(map(str, range(20))), group, malignant, np.zeros(600), clean)
        for i, found in enumerate((share(here, malignant, right), balanced(here, right))):
            hits[i] += found.drop.ends.low <= 0.45 <= found.drop.ends.high  # 0.9 * 0.5
    assert (hits / runs >= 0.90).all()
