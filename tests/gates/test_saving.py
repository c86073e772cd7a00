"""What saving undoes."""

from dataclasses import replace

import pytest

from robustgan.gates import Run
from tests.gates import cases

KINDS = ["lost_to_8bit", "lost_to_png", "lost_to_jpeg"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost(robust: Run, broken: Run, kind: str) -> None:
    for found in (robust, broken):
        (row,) = cases.judged(found, kind=kind, limit=0.2, bound="high")
        assert (row.status, row.observed, row.images, row.groups) == ("pass", 0.0, 96, 48)


@pytest.mark.parametrize(
    ("kind", "column"), [("lost_to_8bit", "float_pred"), ("lost_to_png", "png_pred"), ("lost_to_jpeg", "jpeg_pred")]
)
def test_what_is_lost_is_counted(robust: Run, broken: Run, kind: str, column: str) -> None:
    if kind == "lost_to_8bit":  # wrong before rounding, right after
        table = cases.survival(robust.predictions, float_pred=24)
    else:  # wrong before saving, right after
        table = cases.survival(broken.predictions)
        table[column] = table["label"]
    (row,) = cases.judged(replace(broken, survival=table), kind=kind, limit=0.1, bound="high")
    assert row.status == "fail"
    assert row.observed == pytest.approx(0.25 if kind == "lost_to_8bit" else 0.5, abs=0.02)
    assert row.low < row.observed < row.high


def test_what_saving_adds_is_not_lost(robust: Run) -> None:
    table = cases.survival(robust.predictions, jpeg_pred=20)  # JPEG makes right images wrong
    (row,) = cases.judged(replace(robust, survival=table), kind="lost_to_jpeg", limit=0, bound="point")
    assert row.observed == 0


def test_nothing_measured_is_not_a_pass(robust: Run) -> None:
    for found in (replace(robust, survival=None), replace(robust, survival=robust.survival.iloc[:0])):
        (row,) = cases.judged(found, kind="lost_to_png", limit=1, bound="point")
        assert row.status == "indeterminate"
    (row,) = cases.judged(robust, kind="lost_to_png", limit=1, bound="point", attacks=["square"])
    assert row.status == "indeterminate"
