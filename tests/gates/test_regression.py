"""What got worse since a baseline."""

from dataclasses import replace

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
