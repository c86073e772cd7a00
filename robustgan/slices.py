"""A cell in parts: each attacks a slice of the test images, and what they find is joined to what the cell would find.

Slices are whole batches, in the order of the manifest. So every batch is one of the cell's own, and the numbers of a
part are the cell's to the last bit, whatever a sum over a batch makes of its size.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from robustgan import tables
from robustgan.work import Work

TABLES = {"predictions.parquet": tables.PREDICTIONS, "survival.parquet": tables.SURVIVAL}
PICTURES = ["clean_png", "adv_png"]  # columns of examples.csv that name a file


def bounds(images: int, batch: int, part: int, parts: int) -> tuple[int, int]:
    """First image of a part (they count from 1), and the first after it; both the same where it is empty."""
    batches = math.ceil(images / batch)
    first, last = (number * batches // parts * batch for number in (part - 1, part))
    return min(first, images), min(last, images)


@contextmanager
def narrowed(work: Work) -> Iterator[Work | None]:
    """The work of a part: the cell's own, on a fold in which only the part's slice is on the test side.

    None where the slice is empty. Where there is no test image at all it is the cell's work, which says so.
    """
    folds = tables.read(work.inputs["split"] / "fold.parquet", tables.FOLDS)
    test = np.flatnonzero(folds["split"] == "test")
    first, last = bounds(len(test), work.settings["batch"], *work.settings["part"])
    if not len(test) or first == last:
        yield None if len(test) else work
        return
    split = work.folder / "split"
    split.mkdir()
    sides = folds["split"].to_numpy(copy=True)
    sides[np.concatenate([test[:first], test[last:]])] = "excluded"
    tables.write(folds.assign(split=sides), tables.FOLDS, split / "fold.parquet")
    yield replace(work, inputs={**work.inputs, "split": split})
    shutil.rmtree(split)


def join(work: Work) -> None:
    """Write the files of a cell from those of its parts, which are the work's inputs, in order."""
    folders = [path for path in work.inputs.values() if (path / "predictions.parquet").exists()]
    for name, table in TABLES.items():
        if (folders[0] / name).exists():
            frames = [tables.read(path / name, table) for path in folders]
            tables.write(pd.concat(frames, ignore_index=True), table, work.folder / name)
    if (folders[0] / "examples.csv").exists():
        _join_gallery(folders, work.settings["gallery"], work.folder)


def _join_gallery(folders: list[Path], most: int, folder: Path) -> None:
    """Choose from all parts' pictures as `attacked` chooses from those of its own batches."""
    from robustgan import gallery

    rows = tables.read(folder / "predictions.parquet", tables.PREDICTIONS)
    chosen = rows["image_id"][gallery.choose(rows, most)].tolist()
    shown = {path: pd.read_csv(path / "examples.csv", dtype=str, keep_default_na=False) for path in folders}
    table = pd.concat(shown.values(), ignore_index=True).set_index("image_id", drop=False).loc[chosen]
    table.to_csv(folder / "examples.csv", index=False, lineterminator="\n")
    (folder / "examples").mkdir()
    for path, examples in shown.items():
        for name in examples.loc[examples["image_id"].isin(chosen), PICTURES].to_numpy().ravel():
            shutil.copyfile(path / name, folder / name)
