"""A small plan of planted stages, and a way to carry it out."""

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


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "data").mkdir()
    return Place(tmp_path / "out", tmp_path / "data")


@pytest.fixture
def carry(place: Place) -> Carry:
    def run(todo: list[Stage], backend: Backend, **manner: Any) -> Outcome:
        return pipeline.work(todo, place, quiet, Manner(backend, **manner))

    return run
