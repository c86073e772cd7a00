"""Event files say what the journal says, whatever happened to the training in between."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from robustgan import steps, tensorboard
from robustgan.errors import InputError
from robustgan.journal import Journal, Tick, silent
from robustgan.stage import Place, Stage
from robustgan.tensorboard import mirrored

STAGE = Stage(steps.generator, "train dcgan on densenet, fold 1", {"fold": 1})
OTHER = Stage(steps.classifier, "classifier densenet, fold 1", {"fold": 1})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(tensorboard, "EVERY", 0.0)
    return Place(tmp_path / "out", tmp_path)


def quiet(stage: Stage, cached: bool) -> Tick:
    return silent


def partial(place: Place, stage: Stage = STAGE) -> Path:
    folder = place.folder(stage).with_name(f"{stage.key}.partial")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def events(root: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """What TensorBoard reads: (step, value) by run and name."""
    found = {}
    for folder in root.iterdir():
        board = EventAccumulator(str(folder), size_guidance={"scalars": 0}, purge_orphaned_data=False).Reload()
        tags = board.Tags()["scalars"]
        found[folder.name.rpartition(",")[0]] = {t: [(e.step, e.value) for e in board.Scalars(t)] for t in tags}
    return found


def journalled(stats: Path) -> dict[str, list[tuple[int, float]]]:
    """What the training wrote, in the same form."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in stats.read_text("utf-8").splitlines():
        values = json.loads(line)
        step = values.pop("epoch", None) or values.pop("step")
        for name, value in values.items():
            found.setdefault(name, []).append((step, pytest.approx(value, rel=1e-6)))
    return found


def test_events_are_there_while_the_training_runs_and_equal_the_journal(place: Place, tmp_path: Path) -> None:
    folder = partial(place)
    journal = Journal(folder)
    with mirrored(tmp_path / "tb", place, quiet) as watch:
        tick = watch(STAGE, False)
        for step in (100, 200, 300):
            journal.record(step=step, d_loss=2.0 / step, kid_scatter=0.1 + step)
            with journal.stats.open("a") as half:
                half.write('{"step": 4')  # the writer is in the middle of a line
            tick(step, 300, "")
            assert len(events(tmp_path / "tb")["train dcgan on densenet, fold 1"]["d_loss"]) == step // 100
            journal.stats.write_text(journal.stats.read_text().removesuffix('{"step": 4'))
        tick(300, 300, "")  # nothing new
        folder.rename(place.folder(STAGE))
        journal = Journal(partial(place, OTHER))
        watch(OTHER, False)
        journal.record(epoch=1, loss=0.5, val_auroc=0.75)  # no tick comes after it
    found = events(tmp_path / "tb")
    assert found["train dcgan on densenet, fold 1"] == journalled(place.folder(STAGE) / "stats.jsonl")
    assert found["classifier densenet, fold 1"] == {"loss": [(1, 0.5)], "val_auroc": [(1, 0.75)]}


def test_a_training_that_resumes_writes_no_step_twice(place: Place, tmp_path: Path) -> None:
    journal = Journal(partial(place))
    with mirrored(tmp_path / "tb", place, quiet) as watch:
        tick = watch(STAGE, False)
        for step in (1, 2, 3):
            journal.record(step=step, d_loss=float(step))
            if step == 1:
                journal.save()  # step 2 and 3 are lost in the kill
            tick(step, 4, "")
    with mirrored(tmp_path / "tb", place, quiet) as watch:
        tick = watch(STAGE, False)
        journal.load()
        for step in (2, 3, 4):
            journal.record(step=step, d_loss=10.0 * step)
            tick(step, 4, "")
    (found,) = events(tmp_path / "tb").values()
    assert found["d_loss"] == [(1, 1.0), (2, 20.0), (3, 30.0), (4, 40.0)]


def test_a_training_that_goes_back_while_it_runs_writes_no_step_twice(place: Place, tmp_path: Path) -> None:
    journal = Journal(partial(place))
    journal.save()
    with mirrored(tmp_path / "tb", place, quiet) as watch:
        tick = watch(STAGE, False)
        journal.record(step=1, d_loss=5.0)
        tick(1, 2, "")
        journal.load()  # a loss was not finite: from the last checkpoint, with half the learning rate
        for step in (1, 2):
            journal.record(step=step, d_loss=0.5)
        tick(2, 2, "")
    (found,) = events(tmp_path / "tb").values()
    assert found["d_loss"] == [(1, 0.5), (2, 0.5)]


def test_pictures_come_along_once_each_time_they_change(place: Place, tmp_path: Path) -> None:
    folder = partial(place)
    journal = Journal(folder)
    with mirrored(tmp_path / "tb", place, quiet) as watch:
        tick = watch(STAGE, False)
        for step in (1, 2, 3):
            journal.record(step=step, d_loss=1.0)
            Image.fromarray(np.full((8, 8, 3), 100 * min(step, 2), np.uint8)).save(folder / "progress.png")
            tick(step, 3, "")
    (path,) = (tmp_path / "tb").iterdir()
    board = EventAccumulator(str(path)).Reload()
    assert [event.step for event in board.Images("progress")] == [1, 2]


def test_what_does_not_train_leaves_no_folder(place: Place, tmp_path: Path) -> None:
    with mirrored(tmp_path / "tb", place, quiet) as watch:
        partial(place)
        watch(STAGE, False)(1, 1, "")
    assert not (tmp_path / "tb").exists()
    with mirrored(None, place, quiet) as watch:
        assert watch is quiet


def test_without_the_extra_it_is_said_before_anything_runs(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with (
        pytest.raises(InputError, match=r"pip install 'robustgan\[tensorboard\]'"),
        mirrored(tmp_path, place, quiet),
    ):
        pytest.fail("it ran")
