"""The planted study has patients on one side each, and the clocks count what they are there to count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import pipeline_memory, pipeline_speed, readme, startup
from benchmarks.pipeline_speed import Clocked, Reading
from robustgan import splits
from robustgan.config import read_yaml
from robustgan.experiment import experiment
from robustgan.shipped import config_path
from robustgan.stage import Place

# Rows of start-up that the committed table has had from the beginning; others come when it is measured again.
MEASURED = [
    f"start-up: robustgan {command}"
    for command in ("--help", "list attacks", "list metrics", "list gates", "plan quickstart", "plan audit")
]


def test_no_patient_of_the_planted_study_is_on_two_sides_and_every_side_has_both_classes() -> None:
    found = pipeline_memory.folds(np.arange(1000) // 20 % 2, 32)
    splits.check_disjoint(found, False)
    assert (found.groupby("split")["label"].nunique() == 2).all()
    assert (found.groupby("group")["label"].nunique() == 1).all()


def test_the_planted_pixels_show_their_label(tmp_path: Path) -> None:
    pipeline_memory.plant(tmp_path, 60, 16)
    pixels = np.load(tmp_path / "pixels" / "pixels.npy")
    red = pixels[..., 0].mean((1, 2))
    label = np.arange(60) // 20 % 2
    assert red[label == 1].min() > red[label == 0].max()


def test_reading_is_clocked_and_gives_the_images(tmp_path: Path) -> None:
    pipeline_memory.plant(tmp_path, 60, 16)
    source = Reading(tmp_path / "pixels" / "pixels.npy", np.arange(60), torch.device("cpu"))
    clock = Clocked()
    batches = torch.split(torch.arange(60), 16)
    found = torch.cat([images for _, images in clock.ahead(source, batches)])
    assert torch.equal(found, torch.from_numpy(np.load(tmp_path / "pixels" / "pixels.npy")).permute(0, 3, 1, 2))
    assert source.seconds > 0
    assert clock.waited > 0


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(readme.ROOT / "reports" / "benchmarks" / "pipeline_speed.csv")


def test_the_committed_table_says_where_it_was_measured(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == pipeline_speed.COLUMNS
    assert table[["machine", "versions", "load", "threads"]].notna().all(axis=None)


def test_computing_hardly_waits_for_data(table: pd.DataFrame) -> None:
    waiting = table[table["what"].str.startswith("waiting: ")]
    assert len(waiting) == 2 * len(pipeline_speed.FULL.rounds)  # a training, an attack
    assert (waiting["value"] < 0.02).all()


def test_training_is_as_fast_as_its_networks(table: pd.DataFrame) -> None:
    ratios = table[table["what"] == "training beside its networks"].set_index("model")["value"]
    assert set(ratios.index) == set(pipeline_speed.FULL.rounds)
    assert ratios["densenet121"] >= 0.95
    assert ratios["compact"] >= 0.95


def test_memory_is_flat(table: pd.DataFrame) -> None:
    """A hundred times as many images may take a tenth more."""
    memory = table[table["what"].str.startswith("memory: ")].pivot_table("value", "what", "images")
    assert tuple(memory.columns) == pipeline_speed.FULL.memory
    assert (memory.iloc[:, -1] <= 1.1 * memory.iloc[:, 0]).all()


def test_commands_that_only_look_take_less_than_half_a_second(table: pd.DataFrame) -> None:
    start = table[table["what"].str.startswith("start-up: ")].set_index("what")["value"]
    assert set(MEASURED) <= set(start.index) <= {f"start-up: robustgan {command}" for command in startup.COMMANDS}
    assert (start < 0.5).all()


def test_the_start_of_every_command_is_measured_with_a_folder_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, int]] = []

    def run(words: list[str], env: dict[str, str], **_: object) -> None:
        ran.append((" ".join(words[3:]), len(list(Path(env["ROBUSTGAN_DATA"]).rglob("*.png")))))

    monkeypatch.setattr(startup.subprocess, "run", run)
    found = startup.table(repeats=2)
    assert list(found["what"]) == [f"start-up: robustgan {command}" for command in startup.COMMANDS]
    assert ran == [(command, startup.FILES) for command in startup.COMMANDS for _ in range(3)]


def test_a_plan_takes_the_planted_folder_for_the_data_set_of_the_config(tmp_path: Path) -> None:
    startup.plant(tmp_path, files=2 * startup.PATIENTS)
    plan = experiment(read_yaml(config_path("idc_subset")))
    first = Place(tmp_path, tmp_path).fingerprint(plan.dataset)
    next(tmp_path.rglob("*_x7_*.png")).write_bytes(b"other")
    assert Place(tmp_path, tmp_path).fingerprint(plan.dataset) != first


def test_ten_million_tiles_are_planned_from_what_grows(table: pd.DataFrame) -> None:
    value = table.set_index(["what", "images"])["value"]
    for what in ("training", "training and attack"):
        grows = max(0.0, value[f"memory: {what}", 10**5] - value[f"memory: {what}", 10**3]) / 9.9e4
        expected = (value[f"memory: {what}", 10**5] + grows * (10**7 - 10**5)) / 1024
        assert value[f"plan: {what} in memory", 10**7] == pytest.approx(expected, rel=1e-3)
