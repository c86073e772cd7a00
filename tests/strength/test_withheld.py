"""A probe that failed, or that the table lacks, takes its check with it: what is left is never judged alone."""

from typing import Any

import pandas as pd
import pytest

from robustgan import probes, strength
from tests.strength.planted import EPS, facts, keeping_up, sound

PLANNED = [(probe, setting) for probe, settings in probes.planned(EPS, 1.0).items() for setting in settings]
CHECKS = {
    "iterations": ["iterations"],
    "restarts": ["restarts"],
    "quiet": ["noise pattern"],
    "budget": ["larger budgets", "unbounded"],
    "noise": ["noise control"],
    "one-step": ["one-step"],
    "black-box": ["black-box"],
    "transfer": ["transfer"],
}


def checked(rows: pd.DataFrame, *said: dict[str, Any], predictions: pd.DataFrame | None = None) -> pd.DataFrame:
    folds = {str(fold): one for fold, one in enumerate(said or (facts(),), 1)}
    own = keeping_up(rows) if predictions is None else predictions
    return strength.checks(rows, {"victim": folds}, own).set_index("check")


def without(rows: pd.DataFrame, probe: str, setting: float, fold: int = 1) -> pd.DataFrame:
    same = (rows["setting"] - setting).abs() < 1e-9
    return rows[~((rows["probe"] == probe) & same & (rows["fold"] == fold))]


def assert_withheld(frame: pd.DataFrame, probe: str, why: str) -> None:
    for check in [*CHECKS[probe], "attacks of the run"]:
        assert frame.loc[check, "status"] == "not run", check
        assert why in frame.loc[check, "found"]
    assert not strength.verdict(frame.reset_index()).strong
    others = set(CHECKS) - {probe}
    assert all(frame.loc[check, "status"] == "pass" for one in others for check in CHECKS[one])


@pytest.mark.parametrize(("probe", "setting"), PLANNED)
def test_a_setting_that_the_table_lacks(probe: str, setting: float) -> None:
    assert_withheld(checked(without(sound(), probe, setting)), probe, f"do not have {probe} {setting:.4g}")


@pytest.mark.parametrize("probe", CHECKS)
def test_a_setting_that_failed(probe: str) -> None:
    """Even where enough is left to look like a whole: noise keeps its other draws."""
    said = facts(failures={f"{probe} 40": "the attack returned NaN"})
    assert_withheld(checked(sound(), said), probe, f"{probe} 40 failed in fold 1 (the attack returned NaN)")


def test_all_larger_budgets_failed() -> None:
    rows = sound()
    rows = rows[~((rows["probe"] == "budget") & (rows["setting"] > EPS * 1.01))]
    assert set(checked(rows).loc[["larger budgets", "unbounded"], "status"]) == {"not run"}


def test_a_failure_in_one_fold_is_enough() -> None:
    both = pd.concat([sound(), sound().assign(fold=2)], ignore_index=True)
    assert strength.verdict(checked(both, facts(), facts()).reset_index()).strong
    assert_withheld(checked(without(both, "iterations", 40, 2), facts(), facts()), "iterations", "of fold 2")
    lost = both[~((both["probe"] == "transfer") & (both["fold"] == 2))]
    assert_withheld(checked(lost, facts(), facts()), "transfer", "of fold 2 do not have transfer any row")


def test_an_expectation_that_failed_leaves_a_mark() -> None:
    frame = checked(sound(), facts(repeat_flips=1, failures={"expectation 8": "out of memory"}))
    assert "expectation 8 failed" in frame.loc["attacks of the run", "found"]
    assert not strength.verdict(frame.reset_index()).strong


def test_the_longest_change_of_l2_depends_on_the_images() -> None:
    settings = probes.planned(EPS, 40.0)["budget"]
    rows = sound()
    some = rows[(rows["probe"] == "restarts") & (rows["setting"] == 3)]
    budget = pd.concat([some.assign(probe="budget", setting=eps, eps=eps) for eps in settings])
    rows = pd.concat([rows[rows["probe"] != "budget"], budget], ignore_index=True).assign(norm="l2")
    assert checked(rows, facts(longest=40.0)).loc["larger budgets", "status"] == "pass"
    short = rows[~((rows["probe"] == "budget") & (rows["setting"] > 5 * EPS))]  # would be whole for tiny images
    for frame in (checked(short, facts(longest=40.0)), checked(rows, facts())):
        assert frame.loc["larger budgets", "status"] == "not run"
