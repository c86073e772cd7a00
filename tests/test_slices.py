"""Slices of the test images: whole batches, in order, all of them; what `parts.py` makes of them is tested there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from robustgan import tables
from robustgan.journal import silent
from robustgan.slices import bounds, join, narrowed
from robustgan.stage import Place
from robustgan.steps import attacked_part
from robustgan.work import Work
from tests.cells import BATCH, NEEDS, TESTED, cell, prepare


@pytest.fixture
def task(tmp_path: Path) -> Work:
    """The work of the second of two parts."""
    place = prepare(Place(tmp_path / "out", tmp_path))
    (tmp_path / "made").mkdir()
    inputs = {name: place.folder(stage) for name, stage in NEEDS.items()}
    return Work({**cell().settings, "part": [2, 2]}, inputs, tmp_path / "made", tmp_path, silent)


@pytest.mark.parametrize(("parts", "sizes"), [(1, [19]), (2, [8, 11]), (3, [4, 8, 7]), (7, [0, 4, 4, 0, 4, 4, 3])])
def test_slices_are_whole_batches_in_order(parts: int, sizes: list[int]) -> None:
    found = [bounds(TESTED, BATCH, part, parts) for part in range(1, parts + 1)]
    assert [last - first for first, last in found] == sizes
    assert [last for _, last in found[:-1]] == [first for first, _ in found[1:]]
    assert all(first % BATCH == 0 or first == TESTED for first, _ in found)


@pytest.mark.parametrize("images", [0, 1, 3, 4, 5, 1000])
def test_slices_are_the_whole_and_even(images: int) -> None:
    for parts in (1, 2, 3, 8, 300):
        sizes = [last - first for first, last in (bounds(images, BATCH, p, parts) for p in range(1, parts + 1))]
        assert sum(sizes) == images
        assert max(sizes) - min(sizes) < 2 * BATCH


def test_a_part_sees_its_slice_of_the_test_side_and_all_of_the_others(task: Work) -> None:
    before = tables.read(task.inputs["split"] / "fold.parquet", tables.FOLDS)
    with narrowed(task) as mine:
        assert mine is not None
        after = tables.read(mine.inputs["split"] / "fold.parquet", tables.FOLDS)
        assert {**mine.inputs, "split": 0} == {**task.inputs, "split": 0}
    tested = before.loc[before["split"] == "test", "image_id"].tolist()
    assert after.loc[after["split"] == "test", "image_id"].tolist() == tested[2 * BATCH :]
    assert after["image_id"].tolist() == before["image_id"].tolist()  # the row is the place in the decoded pixels
    others = before["split"] != "test"
    assert after[others].equals(before[others])
    assert list(task.folder.iterdir()) == []


def test_an_empty_slice_leaves_nothing(task: Work) -> None:
    attacked_part(replace(task, settings={**task.settings, "part": [1, 99]}))
    assert list(task.folder.iterdir()) == []


def test_empty_parts_add_nothing(task: Work) -> None:
    attacked_part(replace(task, settings={**task.settings, "part": [1, 1]}))
    full, empty, joined = task.folder, task.data / "empty", task.data / "joined"
    empty.mkdir()
    joined.mkdir()
    shutil.rmtree(full / "split", ignore_errors=True)
    join(Work(cell().settings, {"part1": empty, "part2": full, "part3": empty}, joined, task.data, silent))
    for path in filter(Path.is_file, full.rglob("*")):
        assert (joined / path.relative_to(full)).read_bytes() == path.read_bytes()
