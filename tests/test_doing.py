"""What surrounds a stage: failures that would come again are kept, those of the machine are not."""

from pathlib import Path

import pytest
import torch

from robustgan import store
from robustgan.doing import do
from robustgan.errors import FullDiskError, InputError, MachineError, MemoryShortError, RunError
from robustgan.journal import silent
from robustgan.stage import Place, Stage
from robustgan.work import Work

CALLS: list[str] = []


def planted(work: Work) -> None:
    """Fails in the way that its settings name."""
    CALLS.append(work.settings["fails"])
    kinds = {
        "run": RunError("the loss is not finite"),
        "input": InputError("no image is left"),
        "machine": MachineError("no GPU here"),
        "disk": OSError(28, "No space left on device"),
        "fault": ValueError("a fault"),
        "memory": MemoryError("cannot allocate"),
        "gpu": torch.OutOfMemoryError("CUDA out of memory"),
    }
    if work.settings["fails"]:
        raise kinds[work.settings["fails"]]
    work.tick(1, 2, "half")
    (work.folder / "result").write_text("done")


def stage_of(fails: str) -> Stage:
    return Stage(planted, "a planted stage", {"fails": fails})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    CALLS.clear()
    return Place(tmp_path, tmp_path)


def failure(place: Place, stage: Stage) -> dict[str, object] | None:
    return store.failure(place.out / "runs", stage.kind, stage.key)


@pytest.mark.parametrize(
    ("fails", "kind", "error"),
    [
        ("run", "failed", RunError),
        ("input", "failed", InputError),
        ("memory", "oom", MemoryShortError),
        ("gpu", "oom", MemoryShortError),
    ],
)
def test_what_would_come_again_is_not_tried_again(place: Place, fails: str, kind: str, error: type[Exception]) -> None:
    stage = stage_of(fails)
    with pytest.raises(error) as first:
        do(stage, place, silent)
    record = failure(place, stage)
    assert record is not None
    assert (record["kind"], record["reason"], record["name"]) == (kind, str(first.value), "a planted stage")
    assert isinstance(record["pid"], int)
    with pytest.raises(error) as second:  # the same words, so that the report stays the same
        do(stage, place, silent)
    assert str(second.value) == str(first.value)
    assert failure(place, stage) == record
    assert [fails] == CALLS


def test_retry_tries_again_and_a_success_forgets(place: Place) -> None:
    stage = stage_of("run")
    with pytest.raises(RunError):
        do(stage, place, silent)
    store.forget_failure(place.out / "runs", stage.kind, stage.key)
    with pytest.raises(RunError):
        do(stage, place, silent)
    assert CALLS == ["run", "run"]


@pytest.mark.parametrize(("fails", "error"), [("machine", MachineError), ("disk", OSError), ("fault", ValueError)])
def test_failures_of_the_machine_and_faults_are_tried_again(place: Place, fails: str, error: type[Exception]) -> None:
    stage = stage_of(fails)
    for _ in range(2):
        with pytest.raises(error):
            do(stage, place, silent)
    assert failure(place, stage) is None
    assert [fails, fails] == CALLS


def test_a_full_disk_is_found_out_and_not_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robustgan.doing.ROOM", 2**80)
    stage = stage_of("run")
    with pytest.raises(FullDiskError, match="the disk is full"):
        do(stage, place, silent)
    assert failure(place, stage) is None


def test_progress_reaches_who_watches(place: Place) -> None:
    told: list[tuple[int, int, str]] = []
    folder = do(stage_of(""), place, lambda *news: told.append(news))
    assert told == [(1, 2, "half")]
    assert (folder / "result").read_text() == "done"
    assert list((place.out / "runs" / ".leases").iterdir()) == []
