"""Gates on the test set."""

from dataclasses import replace

import pytest

from robustgan.gates import Run
from tests.gates import cases


@pytest.mark.parametrize(("limit", "status"), [(24, "pass"), (25, "fail")])
def test_patients_of_the_rarer_class(robust: Run, limit: int, status: str) -> None:
    (row,) = cases.judged(robust, kind="patients", limit=limit)
    assert (row.status, row.observed, row.images, row.groups) == (status, 24, 96, 48)


def test_the_rarer_class_decides() -> None:
    rows = cases.predictions()
    few = rows[(rows["label"] == 0) | rows["group"].isin(rows.loc[rows["label"] == 1, "group"].unique()[:3])]
    rows = cases.judged(cases.run(few), kind="patients", limit=4, magnification="each")
    assert [(row.scope, row.status, row.observed) for row in rows] == [("40X", "fail", 3), ("400X", "fail", 3)]


def test_a_sound_split_passes(robust: Run) -> None:
    (row,) = cases.judged(robust, kind="leak_free")
    assert row.status == "pass"


def test_a_leak_that_the_run_owns_up_to_fails(robust: Run) -> None:
    (row,) = cases.judged(replace(robust, leaks=robust.leaks.assign(leaked=2)), kind="leak_free")
    assert row.status == "fail"


@pytest.mark.parametrize("identity", ["group", "slide", "image_id"])
def test_a_leak_that_the_audit_does_not_show_fails(robust: Run, identity: str) -> None:
    folds = robust.folds.copy()
    known = folds.loc[folds["split"] == "train", identity].iloc[0]
    folds.loc[folds.index[folds["split"] == "test"][0], identity] = known
    (row,) = cases.judged(replace(robust, folds=folds), kind="leak_free")
    assert row.status == "fail"
    assert "1 by the split itself" in row.reason


def test_judging_training_images_fails(robust: Run) -> None:
    folds = robust.folds.copy()
    folds.loc[folds.index[folds["split"] == "test"][:4], "split"] = "train"
    (row,) = cases.judged(replace(robust, folds=folds), kind="leak_free")
    assert row.status == "fail"
    assert "4 judged images are not test images" in row.reason


@pytest.mark.parametrize("lost", ["leaks", "folds"])
def test_no_audit_is_not_a_pass(robust: Run, lost: str) -> None:
    (row,) = cases.judged(replace(robust, **{lost: None}), kind="leak_free")
    assert row.status == "indeterminate"


BROUGHT = {"run": {"config": {"models": [{"name": "densenet", "model": {"kind": "onnx", "path": "net.onnx"}}]}}}


def test_what_a_brought_model_saw_is_not_known(robust: Run) -> None:
    split, brought = cases.judged(replace(robust, **BROUGHT), kind="leak_free")
    assert (split.status, split.model) == ("pass", "")
    assert (brought.status, brought.model) == ("indeterminate", "densenet")
    assert "a claim of whoever brought it" in brought.reason


def test_a_policy_can_answer_for_a_brought_model_and_its_reason_says_so(robust: Run) -> None:
    _, row = cases.judged(replace(robust, **BROUGHT), kind="leak_free", trained_elsewhere="accept")
    assert row.status == "pass"
    assert "this policy accepts the claim (trained_elsewhere)" in row.reason
    assert "a claim of whoever brought it" in row.reason


def test_accepting_a_claim_forgives_no_leak(robust: Run) -> None:
    leaking = replace(robust, **BROUGHT, leaks=robust.leaks.assign(leaked=2))
    split, _ = cases.judged(leaking, kind="leak_free", trained_elsewhere="accept")
    assert split.status == "fail"


def test_only_models_that_the_gate_is_about_are_asked_for(robust: Run) -> None:
    rows = cases.judged(replace(robust, **BROUGHT), kind="leak_free", models=["other"])
    assert [row.model for row in rows] == [""]
