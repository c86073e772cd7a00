"""The cost model finds the parts of cells that were made from them, and what was measured agrees with it."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.cost_model import Cell, Model, fit
from benchmarks.wanted import ROOT

TRUE = Model(start=0.2, prepare=0.4, judging=0.009, forward=0.0015, gradient=0.0035)


def cell(images: int, forwards: float, gradients: float) -> Cell:
    return Cell(TRUE.predict(images, forwards, gradients), images, forwards, gradients)


def test_the_parts_are_found_again() -> None:
    found = fit((cell(40, 0, 0), cell(120, 0, 0)), (cell(40, 1, 5), cell(40, 1, 25)), cell(40, 50, 0))
    assert found == pytest.approx(TRUE)


def test_a_cell_that_asks_twice_as_much_of_twice_the_images_costs_four_times_as_much_beyond_its_start() -> None:
    small, large = (TRUE._replace(judging=0.0).predict(n, 2 * n, n) - TRUE.start - TRUE.prepare for n in (10, 20))
    assert large == pytest.approx(4 * small)


def test_finished_cells_cost_what_the_model_says() -> None:
    rows = pd.read_csv(ROOT / "reports" / "benchmarks" / "cost_model.csv")
    assert len(rows) >= 4
    assert rows["ratio"].between(0.7, 1.4).all()  # measured on a machine that did other things too
    assert rows["cpu_seconds"].max() > 5 * rows["cpu_seconds"].min()  # over cells that differ
