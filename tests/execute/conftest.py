"""A small plan of planted stages, a way to carry it out, and what tells whether a process outlived a test."""

import ctypes
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robustgan import pipeline
from robustgan.execute import Backend, Manner
from robustgan.execute.loop import Outcome
from robustgan.journal import Tick, silent
from robustgan.stage import Place, Stage
from tests.execute import planted

Carry = Callable[..., Outcome]
SUBREAPER = 36  # prctl(2): processes whose parent dies become children of this one, and are not lost from sight


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
    except (FileNotFoundError, ProcessLookupError):
        return False


def below(pid: int) -> list[int]:
    """Processes that a process started, and those that they did, but for Python's own tracker of what they share."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(one) for task in tasks for one in task.read_text().split()] if alive(pid) else []
    found = [one for one in found if alive(one) and b"resource_tracker" not in command(one)]
    return [*found, *(one for child in found for one in below(child))]


def command(pid: int) -> bytes:
    """The command line of a process; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def await_end(pids: Iterable[int]) -> None:
    """Wait until processes are gone."""
    start = time.monotonic()
    while left := [pid for pid in pids if alive(pid)]:
        told = [f"{pid} {command(pid)!r}" for pid in left]
        assert time.monotonic() - start < planted.GIVE_UP, f"processes outlived the test: {told}"
        time.sleep(0.02)


@pytest.fixture(scope="module", autouse=True)
def _no_process_outlives_the_module() -> Iterator[None]:
    """Those of a killed parent count too: workers of dask, jobs of submitit."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    before = set(below(os.getpid()))
    yield
    ctypes.CDLL(None).prctl(SUBREAPER, 0, 0, 0, 0)
    await_end(set(below(os.getpid())) - before)


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
