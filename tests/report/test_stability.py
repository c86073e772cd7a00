"""Many generators in one report: every one has its row and its sheet, those that failed too."""

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from robustgan import tables
from robustgan.report.document import Figure, Table
from robustgan.report.folder import Folder, read
from robustgan.report.render import render
from robustgan.report.sections import stability

from . import planted

TRAININGS = {"hinge": {}, "lsgan": {"loss": "lsgan"}, "fast": {"lr_g": 0.1, "lr_d": 0.2}, "lost": {"loss": "minimax"}}
LABELS = {"benign": {"variety": 0.9, "recall": 0.5}, "malignant": {"variety": 0.4, "recall": 0.7}}


def status(verdict: str = "ok", reason: str = "no rule applies") -> dict[str, Any]:
    kid = {"kid_scatter": 0.25, "kid_scatter_floor": 0.02}
    return {"status": verdict, "reason": reason, "step": 1400, **kid, "fidelity": {"extractor": "scatter", "labels": {
        name: {"images": 9, **kid, **values} for name, values in LABELS.items()}}}  # fmt: skip


def plant(path: Path) -> Path:
    """Three generators that were trained, one of them refused, and one whose training failed."""
    common = {"loss": "hinge", "lr_g": 1e-3, "lr_d": 1e-3, "steps": 100}
    attacks = [{"kind": "dcgan", "name": n, "training": {**common, **own}} for n, own in TRAININGS.items()]
    why = "COLLAPSED", "images of benign are alike"
    folder = planted.build(
        path, levels=(8,), repeats=1, magnifications=(40,), config=planted.config(attacks=attacks),
        generators={"hinge, fold 1": status(), "lsgan, fold 1": status(), "fast, fold 1": status(*why)},
        failures=[{"stage": "train lost, fold 1", "reason": "a loss is not finite"},
                  {"stage": "attack fast on densenet, fold 1", "reason": "the generator failed in training"}],
    )  # fmt: skip
    made = tables.read(folder / "generated.parquet", tables.GENERATED)
    both = pd.concat([made.assign(attack="hinge"), made.assign(attack="lsgan", oracle_mean=0.3)])
    tables.write(both, tables.GENERATED, folder / "generated.parquet")
    tables.write(tables.empty(tables.PREDICTIONS), tables.PREDICTIONS, folder / "predictions.parquet")
    (folder / "evidence" / "examples.csv").unlink()
    for name in ("hinge", "lsgan", "fast"):
        planted.picture(folder / "evidence" / "sheets" / f"{name}-fold1-sheet.png", 1, side=120)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return read(plant(tmp_path_factory.mktemp("stability") / "planted"))


def test_every_generator_has_a_row_with_its_verdict_and_its_numbers(folder: Folder) -> None:
    (section,) = stability.sections(folder)
    table = section.blocks[1]
    assert isinstance(table, Table)
    rows = [[cell.text for cell in row] for row in table.rows]
    accuracy = [row.pop() for row in rows]
    numbers = ["1400", "0.25", "0.02", "0.4", "50.0"]  # variety and recall: of the worst label
    assert rows == [
        ["hinge, fold 1", "nothing", "ok", "", *numbers],
        ["lsgan, fold 1", "training.loss=lsgan", "ok", "", *numbers],
        ["fast, fold 1", "training.lr_g=0.1, training.lr_d=0.2", "COLLAPSED", "images of benign are alike", *numbers],
        ["lost, fold 1", "training.loss=minimax", "failed", "a loss is not finite", *["n/a"] * 5],
    ]
    assert accuracy[0].startswith("87.5 (")  # of the worse class: 88.1 over both
    assert accuracy[1].startswith("0.0 (")
    assert accuracy[2:] == ["n/a (no image was judged)"] * 2


def test_sheets_stand_side_by_side_with_their_verdicts(folder: Folder) -> None:
    (section,) = stability.sections(folder)
    figure = section.blocks[2]
    assert isinstance(figure, Figure)
    assert [picture.alt.split(":")[0] for picture in figure.pictures] == [
        f"Contact sheet of {name}, fold 1, which the monitor calls {verdict}"
        for name, verdict in (("hinge", "ok"), ("lsgan", "ok"), ("fast", "COLLAPSED"))
    ]
    assert not figure.natural
    assert all((folder.path / picture.path).is_file() for picture in figure.pictures)


def test_without_pictures_the_table_stands_alone_and_one_generator_has_no_section(folder: Folder) -> None:
    bare = dataclasses.replace(folder, sheets=())
    assert len(stability.sections(bare)[0].blocks) == 2
    one = {**folder.run, "config": planted.config()}
    assert stability.sections(dataclasses.replace(folder, run=one)) == ()


def test_a_run_of_generators_alone_has_a_report_with_an_answer(folder: Folder) -> None:
    render(folder.path)
    text = (folder.path / "report.md").read_text("utf-8")
    assert "## Which training rules hold?" in text
    assert "there is nothing to conclude" not in text
    assert "Of 2 generators of images from scratch, label-faithful: 1; their rates are below." in text
    assert "test patients pooled over folds :" not in text


def test_many_pictures_are_named_and_not_shown(tmp_path: Path) -> None:
    path = planted.build(tmp_path / "many", levels=(8,), repeats=1, magnifications=(40,))
    for fold in range(2, 8):
        planted.picture(path / "evidence" / "sheets" / f"dcgan-fold{fold}-sheet.png", fold, side=24)
    render(path)
    text = (path / "report.md").read_text("utf-8")
    assert r"More pictures: 7 in evidence/sheets/\*-sheet.png." in text
    assert "dcgan-fold3-sheet" not in text
    assert "dcgan-fold1-fooling" in text
