"""Curves for the figures: shares of images that were right, from small to large."""

import pandas as pd

from robustgan import tables
from robustgan.strength.curves import curves
from tests.strength.planted import EPS, probe, sound


def test_the_curve_over_the_budget() -> None:
    frame = curves(sound())
    budget = frame[frame["curve"] == "budget"]
    assert budget["x"].tolist() == [EPS / 2, EPS, 0.5, 1]
    assert budget["success"].tolist() == [9 / 40, 30 / 40, 1, 1]
    assert (budget["low"] < budget["success"]).all()
    assert (budget["high"] >= budget["success"]).all()


def test_one_search_holds_the_whole_curve_over_queries() -> None:
    asked = probe("black-box", [True, True, False, True], 8, queries=[1, 4, 8, 7])
    found = curves(asked).set_index("x")["fooled"]
    assert found.to_dict() == {1: 1, 2: 1, 4: 2, 8: 3}


def test_nothing_measured_nothing_shown() -> None:
    assert curves(tables.empty(tables.PROBES)).empty
    assert set(curves(pd.concat([sound()]))["curve"]) == {"budget", "iterations", "restarts", "black-box"}
