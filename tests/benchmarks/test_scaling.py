"""Exponents of known powers, and studies that grow in one thing alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import readme, scaling
from benchmarks.scaling import GROWING, draw, fitted, grown
from robustgan.experiment import Experiment
from robustgan.stage import Place
from robustgan.stages import stages


def powers() -> pd.DataFrame:
    rows = [
        {"thing": thing, "number": n, "part": part, "cpu_seconds": 3.0 * n**power}
        for thing in GROWING
        for part, power in (("cells", 1.0), ("all", 0.5), ("report", 2.0))
        for n in (1, 2, 4)
    ]
    return pd.DataFrame(rows)


def test_the_exponent_is_that_of_the_power() -> None:
    found = fitted(powers()).groupby("part")[["exponent", "last"]].agg(["min", "max"])
    for part, power in (("cells", 1.0), ("all", 0.5), ("report", 2.0)):
        assert set(found.loc[part]) == {power}


def test_a_pass_that_was_disturbed_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Costs:
        def __init__(self, out: Path) -> None:
            self.factor = {"0": 1.0, "1": 9.0, "2": 1.5}.get(out.name, 100.0)
            asked.append(out.name)

        def parts(self, plan: Experiment) -> dict[str, float]:
            seeds = len(plan.seeds) * self.factor
            return {**dict.fromkeys(["data", "training", "report"], self.factor), "cells": seeds}

    monkeypatch.setattr(scaling, "Costs", Costs)
    found = scaling.measured((1, 2), 3).set_index(["thing", "number", "part"])["cpu_seconds"]
    assert asked == ["warm", "0", "1", "2"]
    assert found["seeds", 2, "cells"] == 3.0
    assert found["seeds", 2, "all"] == 4.5
    assert not found.index.duplicated().any()
    assert list(dict.fromkeys(found.index.get_level_values("thing"))) == list(GROWING)


def test_the_figure_is_drawn_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw(fitted(powers()), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("thing", ["eps values", "attacks", "seeds"])
def test_four_times_as_many_of_a_thing_are_four_times_as_many_attacked_cells(thing: str, tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    one, four = ([s for s in stages(grown(thing, n), place) if "pgd" in s.name] for n in (1, 4))
    assert (len(one), len(four)) == (1, 4)
    assert one[0].key in {stage.key for stage in four}


def test_the_committed_table_says_that_runs_grow_linearly_or_better() -> None:
    """Over all numbers; between the two largest a tenth is left to the noise of two measurements."""
    table = pd.read_csv(readme.ROOT / "reports" / "benchmarks" / "scaling.csv")
    assert table[["machine", "versions", "load", "threads"]].notna().all(axis=None)
    assert set(table["thing"]) == set(GROWING)
    whole = table[table["part"] == "all"]
    assert (whole["exponent"] <= 1).all()
    assert (whole["last"] <= 1.1).all()
