"""A cell as a whole: made ready once, whatever the number of pieces that its images come in; memory is learned once."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from robustgan import evaluation, freezing, inputs, parts, stored
from robustgan.stage import Place, Stage
from tests.cells import BATCH, SIZE, cell, contents, prepare, work
from tests.cramped import Cramped

PIECES = 5  # of 19 test images, four at a time
CELLS = {"attacked": cell(gallery=3), "transferred": cell(transfer=True)}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return prepare(Place(tmp_path / "out", tmp_path))


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let every batch be a part of its own; how many images each part had."""
    seen: list[int] = []
    real = evaluation.fought
    monkeypatch.setattr(stored, "PART", BATCH * 3 * SIZE * SIZE)
    monkeypatch.setattr(
        evaluation, "fought", lambda duel, some, tick: (seen.append(len(some)), real(duel, some, tick))[1]
    )
    return seen


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[object]:
    """The calls of a function from now on."""
    calls: list[object] = []
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: (calls.append(given), real(*given))[1])
    return calls


@pytest.mark.parametrize("stage", CELLS.values(), ids=list(CELLS))
def test_a_cell_prepares_its_classifier_once(
    stage: Stage, place: Place, pieces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared, digests = (counted(monkeypatch, *at) for at in ((evaluation, "prepared"), (freezing, "weights_digest")))
    assert work([stage], place).failed == []
    assert len(pieces) == PIECES
    assert len(prepared) == 1
    held = 4 if stage.kind == "transferred" else 3  # classifier, its copy, the attack's network; and the target
    assert len(digests) == 2 * held


def test_a_part_of_a_cell_prepares_it_once_too(
    place: Place, pieces: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = counted(monkeypatch, evaluation, "prepared")
    assert work(list(parts.cut([CELLS["attacked"]], 2)), place).failed == []
    assert len(pieces) == PIECES
    assert len(prepared) == 2


@pytest.mark.parametrize("stage", CELLS.values(), ids=list(CELLS))
def test_pieces_change_no_byte(stage: Stage, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = prepare(Place(tmp_path / "whole", tmp_path))
    work([stage], whole)
    monkeypatch.setattr(stored, "PART", 1)
    work([stage], place)
    assert contents(place.folder(stage)) == contents(whole.folder(stage))


@pytest.mark.parametrize("stage", CELLS.values(), ids=list(CELLS))
def test_what_fits_is_found_once_a_cell(
    stage: Stage, place: Place, pieces: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    roomy = prepare(Place(tmp_path / "roomy", tmp_path))
    work([stage], roomy)
    real = inputs.classifier_of
    monkeypatch.setattr(inputs, "classifier_of", lambda *given: Cramped(real(*given), 1).eval())
    monkeypatch.setattr(evaluation, "prepared", lambda model, *_: model)  # it tries two images
    with caplog.at_level(logging.WARNING):
        assert work([stage], place).failed == []
    halvings = [record.getMessage() for record in caplog.records if "out of memory" in record.getMessage()]
    assert [text.split("batches of ")[1].split(".")[0] for text in halvings] == ["2", "1"]
    rows, wanted = (pd.read_parquet(at.folder(stage) / "predictions.parquet") for at in (place, roomy))
    pd.testing.assert_frame_equal(rows[["image_id", "pred", "clean_pred"]], wanted[["image_id", "pred", "clean_pred"]])


def test_rough_gradients_climb_and_exact_answers_judge(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    real = evaluation.prepared
    monkeypatch.setattr(evaluation, "prepared", lambda *given: made.append(real(*given)) or made[-1])
    rough = dataclasses.replace(CELLS["attacked"], settings={**CELLS["attacked"].settings, "precision": "bf16"})
    assert work([CELLS["attacked"], rough], place).failed == []
    assert [type(one).__name__ for one in made] == ["Prepared", "Mixed"]
    exact, other = (
        pd.read_parquet(place.folder(stage) / "predictions.parquet") for stage in (CELLS["attacked"], rough)
    )
    assert exact["clean_score"].equals(other["clean_score"])
    assert not exact["score"].equals(other["score"])
    assert exact[["queries", "backwards"]].equals(other[["queries", "backwards"]])
