"""Gates on the originals."""

from dataclasses import replace

import pytest

from robustgan.gates import Run
from tests.gates import cases


@pytest.mark.parametrize("kind", ["clean_sensitivity", "clean_specificity", "clean_balanced_accuracy"])
def test_a_classifier_that_is_always_right_passes(robust: Run, kind: str) -> None:
    (row,) = cases.judged(robust, kind=kind, limit=0.8, bound="low")
    assert (row.status, row.scope, row.observed, row.bound) == ("pass", "pooled", 1.0, "low")
    assert row.groups in (24, 48)


def test_each_magnification_has_a_row(robust: Run) -> None:
    rows = cases.judged(robust, kind="clean_sensitivity", limit=0.8, bound="low", magnification="each")
    assert [row.scope for row in rows] == ["40X", "400X"]


def test_no_interval_of_24_patients_ends_at_one(robust: Run) -> None:
    (row,) = cases.judged(robust, kind="clean_sensitivity", limit=0.99, bound="low")
    assert row.status == "indeterminate"
    assert "inside the interval" in row.reason


def test_a_classifier_that_is_often_wrong_fails() -> None:
    (row,) = cases.judged(cases.run(cases.predictions(right=0.4)), kind="clean_sensitivity", limit=0.9, bound="low")
    assert row.status == "fail"
    assert row.high < 0.9


def test_calibration_is_at_most(robust: Run) -> None:
    rows = robust.metrics[robust.metrics["metric"] == "sensitivity"]
    planted = rows.assign(metric="ece", clean=0.05, clean_low=0.02, clean_high=0.08)
    found = replace(robust, metrics=planted)
    statuses = [
        cases.judged(found, kind="clean_ece", limit=limit, bound="high")[0].status for limit in (0.1, 0.05, 0.01)
    ]
    assert statuses == ["pass", "indeterminate", "fail"]


def test_a_metric_that_the_run_lacks_is_not_a_pass(robust: Run) -> None:
    none = robust.metrics[robust.metrics["metric"] != "brier"]
    (row,) = cases.judged(replace(robust, metrics=none), kind="clean_brier", limit=1, bound="point")
    assert (row.status, "brier" in row.reason) == ("indeterminate", True)


def test_a_model_that_the_run_lacks_is_not_a_pass(robust: Run) -> None:
    (row,) = cases.judged(robust, kind="clean_sensitivity", limit=0, bound="point", models=["vit"])
    assert (row.model, row.status) == ("vit", "indeterminate")


def test_few_patients_do_not_pass() -> None:
    few = cases.run(cases.predictions(patients=8))
    (row,) = cases.judged(few, kind="clean_sensitivity", limit=0.1, bound="low")
    assert row.status == "indeterminate"
    assert "8 patients are too few" in row.reason
