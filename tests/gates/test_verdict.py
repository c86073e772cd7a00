"""All rows together."""

from dataclasses import replace

import pytest

from robustgan.gates import Run, judge, read_policy
from robustgan.gates.policy import policy
from robustgan.shipped import policies
from tests.gates import cases

LIMITS = {"clean-sensitivity": 0.8, "clean-specificity": 0.8}


def release(**limits: float) -> dict[str, object]:
    """The release policy for 24 patients of each class: what they can show at best."""
    found = read_policy(policies()["release"]).model_dump(mode="json")
    kept = [gate for gate in found["gates"] if gate["name"] not in ("clean-ece", "sensitivity-drop")]
    return {**found, "gates": [{**gate, "limit": limits.get(gate["name"], gate.get("limit", 0))}
                               if "limit" in gate else gate for gate in kept]}  # fmt: skip


@pytest.fixture(scope="module")
def demands() -> object:
    loose = {"clean-sensitivity": 0.8, "missed-cancers": 0.2}
    loose |= {"lost-to-8-bit": 0.2, "clean-subgroups": 0.6, "robust-subgroups": 0.5}
    return policy(release(**loose))


def test_a_robust_model_and_a_broken_one_are_told_apart(robust: Run, broken: Run, demands: object) -> None:
    good, bad = judge(robust, demands), judge(broken, demands)
    assert (good.status, good.exit_code) == ("pass", 0), [row for row in good.rows if row.status != "pass"]
    assert (bad.status, bad.exit_code) == ("fail", 1)
    assert {row.gate for row in bad.rows if row.status == "fail"} == {
        "missed-cancers", "worst-case", "robust-subgroups"
    }  # fmt: skip


def test_precedence(robust: Run, broken: Run, demands: object) -> None:
    unfinished = {"failures": [{"stage": "x", "reason": "y"}]}
    weak = cases.strength(noise="fail")
    cuts = [
        (broken, {"run": {**broken.run, **unfinished}, "strength": weak}, "fail"),
        (robust, {"run": {**robust.run, **unfinished}, "strength": weak}, "incomplete"),
        (robust, {"strength": weak}, "indeterminate"),
    ]
    for found, change, status in cuts:
        assert judge(replace(found, **change), demands).status == status


def test_what_was_judged_is_said(robust: Run, demands: object) -> None:
    found = judge(robust, demands)
    assert found.run["name"] == "planted"
    assert found.run["weights_sha256"]["densenet"]
    assert sum(found.counts.values()) == len(found.rows)
    assert set(found.gates) == {row.gate for row in found.rows}


@pytest.mark.parametrize("content", [{}, {"models": "x", "versions": [1], "config": 3, "failures": "none"}])
def test_a_run_json_that_says_nothing_useful(robust: Run, demands: object, content: dict[str, object]) -> None:
    found = judge(replace(robust, run=content), demands)
    assert found.status == "incomplete"


def test_taking_any_evidence_away_never_helps(robust: Run, demands: object) -> None:
    for lost in ("leaks", "folds", "strength", "survival"):
        assert judge(replace(robust, **{lost: None}), demands).status in ("incomplete", "indeterminate")
    for column in ("value", "low", "high", "clean", "clean_low", "drop"):
        blank = robust.metrics.assign(**{column: float("nan")})
        assert judge(replace(robust, metrics=blank), demands).status in ("pass", "indeterminate")
    assert judge(replace(robust, metrics=robust.metrics.iloc[:0]), demands).status == "indeterminate"


def test_a_gate_may_be_called_complete_and_be_another(robust: Run) -> None:
    named = policy({"name": "p", "gates": [{"name": "complete", "why": "x", "kind": "leak_free"}]})
    assert [row.gate for row in judge(robust, named).rows] == ["complete-run", "complete"]
