"""A small plan of planted stages, and a way to carry it out."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robustgan import pipeline
from robustgan.execute import Backend, Manner
from robustgan.execute.loop import Outcome
from robustgan.journal import Tick, silent
from robustgan.stages import Place, Stage
from tests.execute import planted

Carry = Callable[..., Outcome]


def stage(step: Callable[..., None], word: str, *needs: Stage, **settings: Any) -> Stage:
    return Stage(step, word, {"word": word, **settings}, {need.name: need for need in needs}, ())


def tree() -> list[Stage]:
    """A root, two that need it, and one that needs both."""
    root = stage(planted.note, "root")
    left, right = stage(planted.note, "left", root), stage(planted.note, "right", root)
    return [root, left, right, stage(planted.note, "top", left, right)]


def quiet(stage: Stage, cached: bool) -> Tick:
    return silent


def words(place: Place, stages: list[Stage]) -> list[str]:
    return [(place.folder(stage) / "note.txt").read_text("utf-8") for stage in stages]


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def await_file(path: Path) -> str:
    start = time.monotonic()
    while not path.exists() or not path.read_text():
        assert time.monotonic() - start < planted.GIVE_UP, f"{path.name} did not appear"
        time.sleep(0.02)
    return path.read_text()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "data").mkdir()
    return Place(tmp_path / "out", tmp_path / "data")


@pytest.fixture
def carry(place: Place) -> Carry:
    def run(todo: list[Stage], backend: Backend, **manner: Any) -> Outcome:
        return pipeline.work(todo, place, quiet, Manner(backend, **manner))

    return run
