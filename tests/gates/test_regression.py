"""What got worse since a baseline."""

from dataclasses import replace

import pandas as pd
import pytest

from robustgan.gates import Run
from tests.gates import cases

SETTINGS = {"kind": "no_regression", "metric": "accuracy"}


def test_the_same_run_is_no_worse(robust: Run) -> None:
    (row,) = cases.judged(robust, robust, **SETTINGS, attacks=["clean"], limit=0.15, bound="high")
    assert (row.status, row.observed, row.robustness, row.scope) == ("pass", 0.0, False, "pooled, clean")


def test_a_run_that_is_easier_to_fool_fails(robust: Run, broken: Run) -> None:
    rows = cases.judged(broken, robust, **SETTINGS, limit=0.15, bound="high")
    assert {row.status for row in rows} == {"fail"}
    assert {row.scope for row in rows} == {f"pooled, {a} linf 8/255" for a in ("pgd", "fgsm", "worst-case")}
    assert all(row.observed == pytest.approx(0.5, abs=0.02) and "sign-flip p" in row.reason for row in rows)


def test_the_other_way_round_is_a_gain(robust: Run, broken: Run) -> None:
    rows = cases.judged(robust, broken, **SETTINGS, limit=0, bound="high")
    assert {row.status for row in rows} == {"pass"}
    assert all(row.observed < 0 and row.robustness for row in rows)


def test_a_gain_that_weak_attacks_show_is_not_a_pass(robust: Run, broken: Run) -> None:
    weak = replace(robust, strength=None)
    assert {row.status for row in cases.judged(weak, broken, **SETTINGS, limit=0, bound="high")} == {"indeterminate"}
    (row,) = cases.judged(weak, robust, **SETTINGS, attacks=["clean"], limit=0.2, bound="high")
    assert row.status == "pass"


def test_images_that_the_run_lacks_may_be_the_worse_ones(robust: Run) -> None:
    fewer = cases.run(cases.predictions(patients=22))
    (row,) = cases.judged(fewer, robust, **SETTINGS, attacks=["clean"], limit=0.2, bound="high")
    assert row.status == "indeterminate"
    assert "lacks 8 images" in row.reason


def test_without_a_baseline_there_is_no_pass(robust: Run) -> None:
    (row,) = cases.judged(robust, **SETTINGS, limit=1, bound="low")
    assert (row.status, "no baseline" in row.reason) == ("indeterminate", True)


def test_an_attack_that_only_one_has_is_not_a_pass(robust: Run) -> None:
    (row,) = cases.judged(robust, robust, **SETTINGS, attacks=["square"], limit=1, bound="low")
    assert row.status == "indeterminate"


def without(found: Run, *attacks: str) -> Run:
    """The run as if some attacks had been neither asked for nor run."""
    kept = [entry for entry in found.config["attacks"] if entry["kind"] not in attacks]
    rows = found.predictions[~found.predictions["attack"].isin(attacks)]
    return replace(found, predictions=rows, run={**found.run, "config": {**found.config, "attacks": kept}})


def ran(found: Run, kind: str, **settings: object) -> Run:
    """The run, with one attack set in another way."""
    attacks = [{**entry, **(settings if entry["kind"] == kind else {})} for entry in found.config["attacks"]]
    return replace(found, run={**found.run, "config": {**found.config, "attacks": attacks}})


@pytest.fixture(scope="module")
def three(robust: Run) -> Run:
    """A robust run with three attacks."""
    square = robust.predictions[robust.predictions["attack"] == "pgd"].assign(attack="square")
    budget = {"norm": "linf", "eps": 8 / 255}
    attacks = [*robust.config["attacks"], {"kind": "square", "name": "", "threat": budget, "queries": 500}]
    rows = pd.concat([robust.predictions, square], ignore_index=True)
    return replace(robust, predictions=rows, run={**robust.run, "config": {**robust.config, "attacks": attacks}})


def test_an_attack_that_the_run_did_not_run_is_not_dropped(three: Run) -> None:
    rows = {
        row.scope: row for row in cases.judged(without(three, "square"), three, **SETTINGS, limit=0.2, bound="high")
    }
    assert {scope: row.status for scope, row in rows.items()} == {
        "pooled, pgd linf 8/255": "pass",
        "pooled, fgsm linf 8/255": "pass",
        "pooled, square linf 8/255": "indeterminate",
        "pooled, worst-case linf 8/255": "indeterminate",
    }
    assert "the run lacks what the baseline has: square linf 8/255" in rows["pooled, worst-case linf 8/255"].reason


def test_what_the_run_lacks_elsewhere_is_no_doubt(three: Run) -> None:
    weaker = three.predictions[three.predictions["attack"] == "pgd"].assign(attack="square", eps=2 / 255)
    more = replace(three, predictions=pd.concat([three.predictions, weaker], ignore_index=True))
    asked = {**SETTINGS, "limit": 0.2, "bound": "high", "norm": "linf", "eps": "8/255"}
    assert {row.status for row in cases.judged(three, more, **asked)} == {"pass"}
    assert {row.status for row in cases.judged(without(three, "noise"), three, **asked)} == {"pass"}  # a control
    (row,) = cases.judged(three, more, **{**asked, "eps": "2/255"}, attacks=["square"])
    assert (row.status, "square linf 2/255" in row.reason) == ("indeterminate", True)


def test_what_only_the_run_has_is_no_loss(three: Run) -> None:
    rows = cases.judged(three, without(three, "square"), **SETTINGS, limit=0.2, bound="high")
    assert {row.status for row in rows} == {"pass"}
    assert not any("square" in row.scope for row in rows)


def test_a_loss_stays_one_whatever_else_is_missing(robust: Run, broken: Run) -> None:
    square = robust.predictions[robust.predictions["attack"] == "pgd"].assign(attack="square")
    more = replace(robust, predictions=pd.concat([robust.predictions, square], ignore_index=True))
    rows = {row.scope: row.status for row in cases.judged(broken, more, **SETTINGS, limit=0.15, bound="high")}
    assert rows["pooled, worst-case linf 8/255"] == "fail"
    assert rows["pooled, square linf 8/255"] == "indeterminate"


@pytest.mark.parametrize(("old", "new"), [(40, 1), (1, 40)])
def test_attacks_that_were_set_in_another_way_are_not_compared(robust: Run, broken: Run, old: int, new: int) -> None:
    for run in (robust, broken):  # neither a gain nor a loss is shown
        found = cases.judged(
            ran(run, "pgd", steps=new), ran(robust, "pgd", steps=old), **SETTINGS, limit=0.2, bound="high"
        )
        rows = {row.scope: row for row in found}
        for name in ("pgd", "worst-case"):
            row = rows[f"pooled, {name} linf 8/255"]
            assert row.status == "indeterminate"
            assert f"pgd linf 8/255: steps {old} in the baseline, {new} in the run" in row.reason
        assert rows["pooled, fgsm linf 8/255"].status == ("pass" if run is robust else "fail")
        (clean,) = cases.judged(
            ran(run, "pgd", steps=new),
            ran(robust, "pgd", steps=old),
            **SETTINGS,
            limit=0.2,
            bound="high",
            attacks=["clean"],
        )
        assert clean.status == "pass"


def test_settings_that_nobody_wrote_down_are_not_the_same(robust: Run) -> None:
    silent = replace(robust, run={**robust.run, "config": {**robust.config, "attacks": []}})
    (row,) = cases.judged(robust, silent, **SETTINGS, limit=0.2, bound="high", attacks=["pgd"])
    assert (row.status, "run.json of the baseline does not say" in row.reason) == ("indeterminate", True)


def test_the_worst_case_is_compared_at_the_budget_of_the_gate(robust: Run, broken: Run) -> None:
    larger = robust.predictions[robust.predictions["attack"].isin(["pgd", "fgsm"])].assign(eps=16 / 255)
    old, new = (
        replace(found, predictions=pd.concat([found.predictions, larger], ignore_index=True))
        for found in (robust, broken)
    )
    asked = {**SETTINGS, "limit": 0.2, "bound": "high", "norm": "linf", "eps": "8/255", "attacks": ["worst-case"]}
    assert [row.status for row in cases.judged(new, old, **asked)] == ["fail"]
    assert [row.status for row in cases.judged(old, old, **asked)] == ["pass"]
