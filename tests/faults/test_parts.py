"""SIGKILL while a cell is made in parts, then another way to go on: whole, in another number, two runs at once."""

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Ask, Undisturbed, printed, same, undo

CELLS = ("attack fgsm", "transfer fgsm")


def cut(parts: int, **fault: Any) -> dict[str, Any]:
    """A run with cells in so many parts, and what happens to it."""
    return {"more": ["--image-shards", str(parts)], **fault}


@pytest.fixture
def left(ask: Ask, copy: Path) -> Path:
    """What runs left that were killed in parts of two kinds of cell, and while they joined them."""
    undo(copy, *CELLS)
    for kind, number in (("attacked_part", 6), ("attacked_part", 30), ("attacked", 7), ("transferred_part", 6)):
        assert ask(copy, cut(2, kind=kind, number=number)) == [-signal.SIGKILL], f"{kind}: {printed(copy)}"
    assert list(copy.glob("runs/*_part/*.partial"))
    return copy


def clean(out: Path) -> Path:
    """The run without its parts; nothing of them may be half-made once a run has gone through them."""
    for folder in (out / "runs").glob("*_part"):
        shutil.rmtree(folder)
    return out


def test_what_was_cut_goes_on_whole(ask: Ask, left: Path, undisturbed: Undisturbed) -> None:
    assert ask(left, {}) == [0], printed(left)
    same(clean(left), undisturbed.out)


def test_what_was_cut_goes_on_in_the_same_parts(ask: Ask, left: Path, undisturbed: Undisturbed) -> None:
    assert ask(left, cut(2)) == [0], printed(left)
    assert not list(left.glob("runs/*_part/*.partial"))
    same(clean(left), undisturbed.out)


def test_runs_that_cut_in_other_ways_share_a_folder(ask: Ask, left: Path, undisturbed: Undisturbed) -> None:
    assert ask(left, cut(2), cut(3), {}) == [0, 0, 0], printed(left)
    same(clean(left), undisturbed.out)
