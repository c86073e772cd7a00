"""Survival: counted from the rows, and said where it was not measured."""

from pathlib import Path

import pytest

from robustgan import tables
from robustgan.report.document import Paragraph, Table
from robustgan.report.folder import read
from robustgan.report.sections import survival

from . import evidence, planted


def test_every_form_has_its_share_of_the_images_that_were_right(tmp_path: Path) -> None:
    path = planted.build(tmp_path / "some", repeats=1, levels=(8,), magnifications=(40,))
    made = evidence.survival(path)
    table = next(block for block in survival.section(read(path)).blocks if isinstance(block, Table))
    row = next(row for row in table.rows if row[0].text == "PGD 8/255")
    mine = made[(made["attack"] == "pgd") & (made["norm"] == "linf") & (made["clean_pred"] == made["label"])]
    expected = [(mine[name] != mine["label"]).mean() for name in ("float_pred", "pred", "png_pred", "jpeg_pred")]
    assert [cell.order for cell in row[1:5]] == pytest.approx(expected)
    assert expected[3] < 0.7 * expected[1]
    assert [cell.text for cell in row[5:]] == ["0.97 (0.97)", "1 (1)", "0.01 (0.01)", f"{len(mine)} ({len(mine)})"]
    assert row[2].hint == f"{len(mine)} images of {len(mine)} patients"
    assert not any(row[0].text.startswith("Clean") for row in table.rows)


def test_what_was_not_measured_is_said(tmp_path: Path) -> None:
    path = planted.build(tmp_path / "none", repeats=1, levels=(8,), magnifications=(40,))
    (words,) = survival.section(read(path)).blocks
    assert isinstance(words, Paragraph)
    assert words.text.startswith("Not measured in this run")


def test_an_image_without_a_likeness_leaves_the_others(tmp_path: Path) -> None:
    path = planted.build(tmp_path / "gap", repeats=1, levels=(8,), magnifications=(40,))
    made = evidence.survival(path)
    tables.write(made.assign(ssim=float("nan")), tables.SURVIVAL, path / "survival.parquet")
    table = next(block for block in survival.section(read(path)).blocks if isinstance(block, Table))
    assert {row[5].text for row in table.rows} == {"n/a"}
