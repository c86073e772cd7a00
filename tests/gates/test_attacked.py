"""Gates on the classifier under attack."""

import pandas as pd
import pytest

from robustgan.gates import Run
from tests.gates import cases

DROP = {"kind": "sensitivity_drop", "limit": 0.2, "bound": "high"}


@pytest.mark.parametrize(
    ("kind", "limit", "bound"),
    [
        ("sensitivity_drop", 0.2, "high"),
        ("specificity_drop", 0.2, "high"),
        ("missed_cancers", 0.2, "high"),
        ("false_alarms", 0.2, "high"),
        ("robust_accuracy", 0.8, "low"),
        ("robust_sensitivity", 0.8, "low"),
        ("robust_specificity", 0.8, "low"),
    ],
)
def test_the_two_runs_are_told_apart(robust: Run, broken: Run, kind: str, limit: float, bound: str) -> None:
    for found, expected in ((robust, "pass"), (broken, "fail")):
        rows = cases.judged(found, kind=kind, limit=limit, bound=bound, attacks=["worst-case"])
        assert [row.status for row in rows] == [expected], rows
        assert all(row.robustness for row in rows)


def test_every_attack_counts_but_the_controls(broken: Run) -> None:
    rows = cases.judged(broken, **DROP, magnification="each")
    assert {row.scope for row in rows} == {
        f"{m}, {a} linf 8/255" for m in ("40X", "400X") for a in ("pgd", "fgsm", "worst-case")
    }


def test_a_control_counts_where_it_is_named(broken: Run) -> None:
    (row,) = cases.judged(broken, **DROP, attacks=["noise"])
    assert (row.status, row.scope) == ("pass", "pooled, noise linf 8/255")


@pytest.mark.parametrize("other", [{"eps": "4/255"}, {"norm": "l2"}, {"attacks": ["square"]}])
def test_what_was_not_run_is_not_a_pass(robust: Run, other: dict[str, object]) -> None:
    (row,) = cases.judged(robust, **DROP, **other)
    assert row.status == "indeterminate"
    assert "the run has no `sensitivity`" in row.reason


def test_a_drop_means_nothing_where_the_classifier_does_not_work() -> None:
    blind = cases.run(cases.predictions(right=0.5))
    (row,) = cases.judged(blind, **DROP, attacks=["pgd"])
    assert row.status == "indeterminate"
    assert "does not work here" in row.reason


def test_the_worst_case_is_taken_at_the_budget_of_the_gate(robust: Run) -> None:
    weak, strong = (
        cases.predictions(falls=falls).assign(eps=lambda rows, eps=eps: rows["eps"].where(rows["eps"].isna(), eps))
        for falls, eps in ((0.0, 2 / 255), (0.5, 8 / 255))
    )
    both = pd.concat([weak, strong[strong["attack"] != "clean"]], ignore_index=True)
    found = cases.run(both)
    asked = {"kind": "robust_accuracy", "attacks": ["worst-case"], "norm": "linf", "limit": 0.8, "bound": "low"}
    (low,) = cases.judged(cases.probed_at(found, {"norm": "linf", "eps": "2/255"}), **asked, eps="2/255")
    (high,) = cases.judged(found, **asked, eps="8/255")
    assert (low.status, high.status) == ("pass", "fail")
    every = {**asked, "kind": "missed_cancers", "attacks": [], "limit": 0.2, "bound": "high"}
    for eps, status in (("2/255", "indeterminate"), ("8/255", "fail")):  # strength was measured at 8/255 alone
        rows = cases.judged(found, **every, eps=eps)
        assert {row.scope: row.status for row in rows} == {
            f"pooled, {name} linf {eps}": status for name in ("pgd", "fgsm", "worst-case")
        }


def test_each_model_has_its_worst_case_at_the_budget_of_the_gate(robust: Run) -> None:
    small, other = (
        robust.predictions.assign(
            eps=lambda rows: rows["eps"].where(rows["eps"].isna(), 2 / 255), model=name, source=name
        )
        for name in ("densenet", "vit")
    )
    found = cases.run(pd.concat([robust.predictions, small[small["attack"] != "clean"], other], ignore_index=True))
    rows = cases.judged(found, kind="robust_accuracy", limit=0.5, bound="low", eps="2/255")
    assert {(row.model, row.scope) for row in rows} == {
        (model, f"pooled, {name} linf 2/255") for model in ("densenet", "vit") for name in ("pgd", "fgsm", "worst-case")
    }


def test_transfer_is_judged_too(robust: Run, broken: Run) -> None:
    moved = broken.predictions[broken.predictions["attack"] == "pgd"].assign(source="resnet")
    found = cases.run(pd.concat([robust.predictions, moved], ignore_index=True))
    rows = cases.judged(found, **DROP, attacks=["pgd"])
    assert {row.scope: row.status for row in rows} == {
        "pooled, pgd linf 8/255": "pass",
        "pooled, pgd linf 8/255, made on resnet": "fail",
    }
