"""Where the time went: kernels are noted for a while, and the table has the slowest stage first."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from robustgan import profiling, steps
from robustgan.profiling import kernels, kernels_of, slowest, slowest_of, write
from robustgan.stage import Place, Stage


def product(side: int = 60) -> None:
    torch.ones(side, side) @ torch.ones(side, side)


def test_what_torch_did_is_written_most_time_first(tmp_path: Path) -> None:
    with kernels(tmp_path / "profile" / "stage.json") as look:
        product()
        look()
    rows = json.loads((tmp_path / "profile" / "stage.json").read_text())
    times = [row["cpu_ms"] + row["gpu_ms"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert len(rows) <= profiling.TOP
    assert {"kernel": "aten::mm", "calls": 1} in [{key: row[key] for key in ("kernel", "calls")} for row in rows]


def test_a_long_stage_is_noted_for_a_while_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "WINDOW", 0.0)
    with kernels(tmp_path / "stage.json") as look:
        product()
        look()
        torch.ones(8).cumsum(0)
        look()
    names = {row["kernel"] for row in json.loads((tmp_path / "stage.json").read_text())}
    assert "aten::mm" in names
    assert "aten::cumsum" not in names


def test_a_stage_that_fails_fails_as_it_would(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"), kernels(tmp_path / "stage.json"):
        raise ValueError("mine")


def test_nobody_asked_nothing_is_noted(tmp_path: Path) -> None:
    torch_step = Stage(steps.classifier, "classifier", {"device": "cpu"})
    assert kernels_of(Place(tmp_path, tmp_path), torch_step) is None
    assert kernels_of(Place(tmp_path, tmp_path, profile=True), Stage(steps.split, "split", {})) is None
    with kernels(None) as look:
        look()
    assert list(tmp_path.iterdir()) == []


def test_whether_it_is_profiled_changes_no_key(tmp_path: Path) -> None:
    stage = Stage(steps.classifier, "classifier", {"device": "cpu"})
    assert Place(tmp_path, tmp_path).folder(stage) == Place(tmp_path, tmp_path, profile=True).folder(stage)


def test_the_table_has_the_slowest_stage_first_and_its_kernels(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path, profile=True)
    todo = [Stage(steps.split, "split", {}), Stage(steps.attacked, "attack", {"device": "cpu"})]
    for stage, seconds in zip(todo, (0.5, 7.25), strict=True):
        place.folder(stage).mkdir(parents=True)
        (place.folder(stage) / "run.json").write_text(json.dumps({"seconds": seconds}))
    notes = kernels_of(place, todo[1])
    assert notes is not None
    notes.parent.mkdir()
    notes.write_text(json.dumps([{"kernel": "aten::mm", "calls": 3, "cpu_ms": 1.5, "gpu_ms": 0.0}]))
    missing = Stage(steps.attacked, "failed", {"device": "cpu", "seed": 1})
    with write(place, [*todo, missing]).open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["seconds"], row["kernel"]) for row in rows] == [
        ("attack", "7.25", ""), ("attack", "", "aten::mm"), ("split", "0.5", ""),
    ]  # fmt: skip


def test_the_slowest_stage_is_named(tmp_path: Path) -> None:
    stages = [{"name": "split", "seconds": 0.5}, {"name": "attack pgd", "seconds": 7.25}]
    (tmp_path / "run.json").write_text(json.dumps({"seconds": 7.75, "stages": stages}))
    assert str(slowest(tmp_path)) == "Slowest stage: attack pgd, 7.2 of 7.8 s in all."


def test_of_a_shard_it_is_the_slowest_that_is_there(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path)
    todo = [Stage(steps.split, name, {"name": name}) for name in ("quick", "slow", "missing")]
    assert slowest_of(place, todo) is None
    for stage, seconds in zip(todo[:2], (0.5, 7.0), strict=True):
        place.folder(stage).mkdir(parents=True)
        (place.folder(stage) / "run.json").write_text(json.dumps({"seconds": seconds}))
    assert slowest_of(place, todo) == ("slow", 7.0, 7.5)
