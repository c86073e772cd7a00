"""The worst case over attacks, image by image."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustgan import metrics
from robustgan.metrics import worst_case
from tests.metrics.rows import cell, rows, study

LABEL, CLEAN = [1, 1, 0, 0], [0.9, 0.9, 0.1, 0.1]


def attack(name: str, score: list[float], eps: float = 0.03125, **columns: object) -> pd.DataFrame:
    return rows(LABEL, CLEAN, score, attack=name, eps=eps, **columns)


def test_each_image_gets_the_attack_that_fools_it() -> None:
    first = attack("fgsm", [0.4, 0.8, 0.2, 0.3], linf=0.01)
    second = attack("pgd", [0.6, 0.7, 0.9, 0.1], linf=0.02, queries=40.0)
    found = worst_case(pd.concat([second, first]))
    assert found["score"].tolist() == [0.4, 0.7, 0.9, 0.3]
    assert found["pred"].tolist() == [0, 1, 1, 0]
    assert found["linf"].tolist() == [0.01, 0.02, 0.02, 0.01]
    assert set(found["attack"]) == {"worst-case"}
    assert found["queries"].tolist() == [50] * 4
    assert found["image_id"].is_monotonic_increasing


def test_controls_and_unbounded_attacks_do_not_compete() -> None:
    frame = pd.concat(
        [
            attack("pgd", CLEAN),
            attack("noise", [0.1] * 4),
            attack("clean", CLEAN, np.nan, norm="unrestricted"),
        ]
    )
    assert worst_case(frame).empty


def test_only_the_largest_shared_eps_counts_and_norms_stay_apart() -> None:
    frame = pd.concat(
        [
            *(attack(name, CLEAN, eps) for name in ("fgsm", "pgd") for eps in (0.01, 0.02)),
            attack("pgd", [0.1] * 4, 0.04),
            *(attack(name, CLEAN, 1.5, norm="l2") for name in ("pgd", "art")),
        ]
    )
    found = worst_case(frame)
    assert sorted(found.groupby(["norm", "eps"]).groups) == [("l2", 1.5), ("linf", 0.02)]
    assert (found["pred"] == found["label"]).all()


def test_images_that_one_attack_missed_are_not_compared() -> None:
    frame = pd.concat([attack("fgsm", CLEAN), attack("pgd", CLEAN).iloc[:3]])
    assert worst_case(frame)["image_id"].tolist() == ["image000000", "image000001", "image000002"]


@given(st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=2, max_size=4))
@settings(deadline=None, max_examples=30)
def test_the_worst_case_is_no_better_than_the_best_attack(scores: list[list[float]]) -> None:
    frame = pd.concat([attack(f"attack{i}", score) for i, score in enumerate(scores)])
    survived = frame.assign(right=frame["pred"] == frame["label"]).groupby("image_id")["right"].all()
    found = worst_case(frame)
    assert (found["pred"] == found["label"]).tolist() == survived.tolist()


def test_evaluate_lists_it_as_an_attack() -> None:
    found = metrics.evaluate(study())
    worst = cell(found, "accuracy", attack="worst-case")
    assert worst["value"] <= min(cell(found, "accuracy", attack=name)["value"] for name in ("fgsm", "pgd"))
    assert worst["clean"] == pytest.approx(cell(found, "accuracy")["clean"])
