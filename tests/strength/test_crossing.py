"""What was made against other classifiers, against the run's own gradient attacks."""

import pandas as pd
import pytest

from robustgan import strength
from tests.strength.planted import EPS, facts, first, predicted, probe, sound


def run(own: int, moved: list[bool], eps: float = EPS) -> pd.DataFrame:
    """PREDICTIONS in which the own attack turns the first so many images, and images made on another model some."""
    mine = predicted(probe("", first(own)))
    other = predicted(probe("", moved, eps=eps)).assign(source="another")
    return pd.concat([mine, other], ignore_index=True)


def checked(predictions: pd.DataFrame) -> pd.DataFrame:
    return strength.checks(sound(), {"victim": {"1": facts()}}, predictions).set_index("check")


CHECK = "transfer of the run"


@pytest.mark.parametrize(("last", "status"), [(0, "pass"), (1, "warn"), (5, "fail")])
def test_what_transfers_must_not_beat_gradients(last: int, status: str) -> None:
    frame = checked(run(30, [i >= 40 - last for i in range(40)]))
    assert (frame.loc[CHECK, "status"], frame.loc[CHECK, "value"]) == (status, last)
    assert strength.verdict(frame.reset_index()).strong == (status != "fail")


def test_without_transfer_at_this_budget_there_is_no_such_check() -> None:
    assert CHECK not in checked(run(30, first(40), eps=EPS / 2)).index
    assert CHECK not in checked(predicted(probe("", first(30)))).index


def test_only_attacks_with_gradients_count_as_such() -> None:
    """What Square alone found is no gradient's merit, by itself or as the end of an ensemble."""
    moved = [i >= 30 for i in range(40)]
    rows = run(30, moved)
    search = predicted(probe("", [True] * 40)).assign(attack="square", backwards=0.0)
    assert checked(pd.concat([rows, search], ignore_index=True)).loc[CHECK, "status"] == "fail"
    solver = ["apgd-ce"] * 30 + ["square"] * 10
    ensemble = predicted(probe("", [True] * 40)).assign(attack="ensemble", solver=solver)
    assert checked(pd.concat([rows, ensemble], ignore_index=True)).loc[CHECK, "status"] == "fail"
    climb = ensemble.assign(solver="apgd-ce")
    assert checked(pd.concat([rows, climb], ignore_index=True)).loc[CHECK, "status"] == "pass"
    blind = rows.assign(backwards=0.0)
    assert checked(blind).loc[CHECK, "status"] == "not run"
