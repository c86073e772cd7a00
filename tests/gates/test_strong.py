"""A verdict is never better than the attacks were strong."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustgan.gates import Run, judge
from robustgan.gates.policy import policy
from tests.gates import cases

GATES = [
    {"kind": "sensitivity_drop", "limit": 0.2, "bound": "high"},
    {"kind": "missed_cancers", "limit": 0.2, "bound": "high"},
    {"kind": "robust_accuracy", "limit": 0.8, "bound": "low", "attacks": ["worst-case"]},
    {"kind": "subgroup_robust_accuracy", "limit": 0.6, "bound": "low"},
    {"kind": "lost_to_8bit", "limit": 0.2, "bound": "high"},
]
DOUBTS = ["fail", "not run", "", "PASS", "skipped"]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate["kind"])
def test_each_gate_about_robustness_needs_strength(robust: Run, gate: dict[str, object]) -> None:
    assert {row.status for row in cases.judged(robust, **gate)} == {"pass"}
    for weak in (cases.strength(square="fail"), None, robust.strength.iloc[:0], cases.strength("another")):
        rows = cases.judged(replace(robust, strength=weak), **gate)
        assert {row.status for row in rows} == {"indeterminate"}


@settings(deadline=None, max_examples=25)
@given(st.dictionaries(st.text(min_size=1), st.sampled_from(["pass", "warn", *DOUBTS]), min_size=1))
def test_any_doubt_is_enough(robust: Run, checks: dict[str, str]) -> None:
    table = cases.strength().iloc[[0] * len(checks)].assign(check=list(checks), status=list(checks.values()))
    found = replace(robust, strength=table)
    gates = [{"name": f"g{i}", "why": "x", **gate} for i, gate in enumerate(GATES)]
    verdict = judge(found, policy({"name": "p", "gates": [*gates, {"name": "s", "why": "x", "kind": "strength"}]}))
    sound = set(checks.values()) <= {"pass", "warn"}
    assert verdict.status == ("pass" if sound else "indeterminate")
    assert all(row.status == "pass" for row in verdict.rows if row.robustness) == sound


def test_a_weak_attack_that_works_is_evidence(broken: Run) -> None:
    weak = replace(broken, strength=cases.strength(iterations="fail"))
    (row,) = cases.judged(weak, kind="robust_accuracy", limit=0.8, bound="low", attacks=["worst-case"])
    assert row.status == "fail"


def test_gates_on_originals_need_no_attack(robust: Run) -> None:
    weak = replace(robust, strength=None)
    assert cases.verdict(weak, kind="clean_sensitivity", limit=0.8, bound="low").status == "pass"


def test_the_strength_gate(robust: Run) -> None:
    (row,) = cases.judged(robust, kind="strength")
    assert (row.status, row.observed) == ("pass", 3)
    assert "square" in row.reason
    (row,) = cases.judged(replace(robust, strength=cases.strength(noise="fail", square="not run")), kind="strength")
    assert row.status == "indeterminate"
    assert "noise (fail), square (not run)" in row.reason


def test_of_two_rows_of_one_check_the_graver_counts(robust: Run) -> None:
    for statuses in (["fail", "pass"], ["pass", "fail"]):
        table = cases.strength().iloc[[0, 0]].assign(status=statuses)
        assert cases.judged(replace(robust, strength=table), kind="strength")[0].status == "indeterminate"
