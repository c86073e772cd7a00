"""Reliability curves by hand and against the error that they make up."""

import numpy as np
import pandas as pd
import pytest

from robustgan import metrics, tables
from robustgan.statistics import korn_graubard
from tests.metrics.rows import cell, rows, study


def test_the_table_has_the_points_of_the_curve() -> None:
    frame = study(("clean", "pgd"), patients=30)
    found = metrics.calibration(frame.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(found, metrics.calibration(frame))
    pgd = found[(found["attack"] == "pgd") & (found["which"] == "attacked")]
    assert pgd["bin"].tolist() == list(range(1, 16))
    assert pgd["images"].sum() == 240
    assert (pgd["images"] == 16).all()
    gap = (pgd["images"] * (pgd["score"] - pgd["share"]).abs()).sum() / 240
    assert gap == pytest.approx(cell(metrics.evaluate(frame), "ece")["value"])
    clean = found[found["which"] == "clean"]
    assert np.array_equal(clean.iloc[:15, 6:], clean.iloc[15:, 6:])
    tables.check(found, tables.CALIBRATION)


def test_the_share_of_a_bin_is_clustered_by_patient() -> None:
    # one bin: six patients with 2, 2, 2, 0, 1, 1 malignant of two; then only four patients: no interval
    label = [1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0, 1]
    frame = rows(label, [0.5] * 12, [0.5] * 12, [f"p{i // 2}" for i in range(12)])
    row = metrics.calibration(frame).iloc[0]
    assert (row["score"], row["share"], row["images"], row["groups"]) == (0.5, pytest.approx(8 / 12), 12, 6)
    assert (row["low"], row["high"]) == pytest.approx(korn_graubard(np.array([2.0, 2, 2, 0, 1, 1]), np.full(6, 2.0)))
    assert np.isnan(metrics.calibration(frame.iloc[:8]).iloc[0]["low"])
    assert metrics.calibration(frame.iloc[:0]).empty
