"""A verdict is never better than the attacks were strong."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustgan.gates import Run, Verdict, judge
from robustgan.gates.policy import policy
from robustgan.strength import REQUIRED
from tests.gates import cases

GATES = [
    {"kind": "sensitivity_drop", "limit": 0.2, "bound": "high"},
    {"kind": "missed_cancers", "limit": 0.2, "bound": "high"},
    {"kind": "robust_accuracy", "limit": 0.8, "bound": "low", "attacks": ["worst-case"]},
    {"kind": "subgroup_robust_accuracy", "limit": 0.6, "bound": "low"},
    {"kind": "lost_to_8bit", "limit": 0.2, "bound": "high"},
]
REGRESSIONS = [{"kind": "no_regression", "metric": "sensitivity", "limit": 0.2, "bound": "high"}]
DOUBTS = ["fail", "not run", "", "PASS", "skipped"]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate["kind"])
def test_each_gate_about_robustness_needs_strength(robust: Run, gate: dict[str, object]) -> None:
    assert {row.status for row in cases.judged(robust, **gate)} == {"pass"}
    for weak in (cases.strength(transfer="fail"), None, robust.strength.iloc[:0], cases.strength("another")):
        rows = cases.judged(replace(robust, strength=weak), **gate)
        assert {row.status for row in rows} == {"indeterminate"}


def judged_all(found: Run) -> Verdict:
    """The verdict of all gates about robustness, and of the strength gate."""
    gates = [{"name": f"g{i}", "why": "x", **gate} for i, gate in enumerate(GATES)]
    return judge(found, policy({"name": "p", "gates": [*gates, {"name": "s", "why": "x", "kind": "strength"}]}))


@settings(deadline=None, max_examples=25)
@given(st.dictionaries(st.sampled_from(REQUIRED), st.sampled_from(["pass", "warn", *DOUBTS]), max_size=4))
def test_any_doubt_is_enough(robust: Run, checks: dict[str, str]) -> None:
    verdict = judged_all(replace(robust, strength=cases.strength(**checks)))
    sound = set(checks.values()) <= {"pass", "warn"}
    assert verdict.status == ("pass" if sound else "indeterminate")
    assert all(row.status == "pass" for row in verdict.rows if row.robustness) == sound


@pytest.mark.parametrize("check", REQUIRED)
def test_no_required_check_may_be_left_out(robust: Run, check: str) -> None:
    table = cases.strength()
    found = replace(robust, strength=table[table["check"] != check])
    (row,) = cases.judged(found, **GATES[0], attacks=["pgd"])
    assert (row.status, f"{check} (not run)" in row.reason) == ("indeterminate", True)


@pytest.mark.parametrize(
    ("status", "expected"), [("not run", "pass"), ("fail", "indeterminate"), ("", "indeterminate")]
)
def test_a_check_that_is_not_required_may_be_left_out_and_may_not_fail(robust: Run, status: str, expected: str) -> None:
    assert judged_all(replace(robust, strength=cases.strength(survival=status))).status == expected


def test_a_weak_attack_that_works_is_evidence(broken: Run) -> None:
    weak = replace(broken, strength=cases.strength(iterations="fail"))
    (row,) = cases.judged(weak, kind="robust_accuracy", limit=0.8, bound="low", attacks=["worst-case"])
    assert row.status == "fail"


def test_gates_on_originals_need_no_attack(robust: Run) -> None:
    weak = replace(robust, strength=None)
    assert cases.verdict(weak, kind="clean_sensitivity", limit=0.8, bound="low").status == "pass"


def test_the_strength_gate(robust: Run) -> None:
    (row,) = cases.judged(robust, kind="strength")
    assert (row.status, row.observed) == ("pass", len(REQUIRED) + 1)
    assert "survival" in row.reason
    found = replace(robust, strength=cases.strength(transfer="fail", restarts="not run"))
    (row,) = cases.judged(found, kind="strength")
    assert row.status == "indeterminate"
    assert "transfer (fail), restarts (not run)" in row.reason


def test_of_two_rows_of_one_check_the_graver_counts(robust: Run) -> None:
    for statuses in (["fail", "pass"], ["pass", "fail"]):
        table = pd.concat([cases.strength(transfer=status) for status in statuses])
        assert cases.judged(replace(robust, strength=table), kind="strength")[0].status == "indeterminate"


@pytest.mark.parametrize(
    ("threat", "status"),
    [
        ({"norm": "linf", "eps": 8 / 255}, "pass"),
        ({"norm": "linf", "eps": 4 / 255}, "indeterminate"),
        ({"norm": "l2", "eps": 8 / 255}, "indeterminate"),
        (None, "indeterminate"),
    ],
)
@pytest.mark.parametrize("stated", [{}, {"eps": 8 / 255}, {"norm": "linf", "eps": 8 / 255}], ids=["none", "eps", "all"])
@pytest.mark.parametrize("gate", [*GATES, *REGRESSIONS], ids=lambda gate: gate["kind"])
def test_strength_at_another_budget_is_no_evidence(
    robust: Run, gate: dict[str, object], stated: dict[str, object], threat: dict[str, object] | None, status: str
) -> None:
    rows = cases.judged(cases.probed_at(robust, threat), robust, **gate, **stated)
    assert rows
    assert {row.status for row in rows} == {status}
    assert all(
        ("budget the strength of" in row.reason or "strength of attacks was measured at" in row.reason)
        == (status == "indeterminate")
        for row in rows
    )


def test_of_several_budgets_only_the_probed_one_passes(robust: Run) -> None:
    weak = robust.predictions[robust.predictions["attack"].isin(["pgd", "fgsm"])].assign(eps=2 / 255)
    both = cases.run(pd.concat([robust.predictions, weak], ignore_index=True))
    small = [{**entry, "threat": {"norm": "linf", "eps": 2 / 255}} for entry in both.config["attacks"]]
    config = {**both.config, "attacks": [*both.config["attacks"], *small]}
    both = replace(both, run={**both.run, "config": config})
    for gate in (GATES[1], REGRESSIONS[0]):
        told = {row.scope: (row.status, row.reason) for row in cases.judged(both, both, **gate)}
        assert {scope for scope, (status, _) in told.items() if status == "pass"} == {
            f"pooled, {name} linf 8/255" for name in ("pgd", "fgsm", "worst-case")
        }
        assert "measured at linf 8/255, not at linf 2/255" in told["pooled, pgd linf 2/255"][1]
