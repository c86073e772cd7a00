"""What every data set on disk needs: look at all files, find duplicates, say all that is wrong at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from robustgan.errors import InputError
from robustgan.journal import Tick

SHOWN = 10  # offenders in a message; their number is always said
AT_ONCE = 32  # files that a thread hashes in one go: to hand it small files one by one takes longer than hashing them
MOST = 1024  # such goes; more files make each longer
READ = 1 << 16  # bytes at a time


def survey(root: Path, paths: Sequence[str], tick: Tick) -> pd.DataFrame:
    """Decode every file and return image_id, width, height and digest of its pixels, in the order of `paths`.

    Raises:
        InputError: files that cannot be used, all of them.
    """
    from robustgan.images import in_threads, inspect  # here, as a plan decodes nothing: it needs no NumPy and no Pillow

    def look(path: str) -> tuple[str, int, int, str] | str:
        try:
            return inspect(root / path)
        except InputError as error:
            return str(error)

    found = []
    for done, one in enumerate(in_threads(look, paths), start=1):
        found.append(one)
        tick(done, len(paths), "check images")
    refuse([one for one in found if isinstance(one, str)], f"{root}: images that cannot be used")
    return pd.DataFrame(found, columns=["image_id", "width", "height", "pixels"])


def refuse(offenders: Sequence[str], what: str, advice: str = "") -> None:
    """Raise one error that shows the first offenders and counts all; do nothing where there is none."""
    if offenders:
        shown = "\n  ".join(offenders[:SHOWN])
        rest = f"\n  ... and {len(offenders) - SHOWN} more" if len(offenders) > SHOWN else ""
        raise InputError(f"{what} ({len(offenders)}):\n  {shown}{rest}" + (f"\n{advice}" if advice else ""))


def twins(rows: pd.DataFrame) -> pd.Series:
    """For every row empty, or which earlier row holds its image (columns path, image_id, pixels)."""
    first = rows.groupby("pixels")[["path", "image_id"]].transform("first")
    words = (rows["image_id"] == first["image_id"]).map({True: "duplicate of ", False: "same pixels as "})
    return (words + first["path"]).where(rows["path"] != first["path"], "").astype("string")


def contradictions(rows: pd.DataFrame) -> pd.Series:
    """True for every row whose image stands elsewhere under the other label (columns pixels, label)."""
    return rows.groupby("pixels")["label"].transform("nunique") > 1


def require_both_classes(labels: Iterable[int], where: Path) -> None:
    """Refuse a data set with one class.

    Raises:
        InputError: benign or malignant images are missing.
    """
    found = set(labels)
    if found != {0, 1}:
        names = {
            frozenset(): "no image",
            frozenset({0}): "only benign images",
            frozenset({1}): "only malignant images",
        }
        raise InputError(f"{where}: found {names[frozenset(found)]}; a classifier needs both classes.")


def fingerprint(root: Path, paths: Sequence[str]) -> str:
    """sha256 over the names and the bytes of files."""
    size = max(AT_ONCE, len(paths) // MOST)

    def some(start: int) -> str:
        return "".join(f"{path}\0{_digest(root, path)}\n" for path in paths[start : start + size])

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:  # hashing leaves Python's lock
        lines = "".join(pool.map(some, range(0, len(paths), size)))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _digest(root: Path, path: str) -> str:
    """Of a file, in as few calls as there are: a data set is many small files."""
    found, file = hashlib.sha256(), os.open(place(root, path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        while part := os.read(file, READ):
            found.update(part)
    finally:
        os.close(file)
    return found.hexdigest()


def place(root: Path, path: str) -> str:
    """Where a file is, as text: to make a `Path` of each of many small files takes longer than to open them."""
    return os.path.join(root, path)  # noqa: PTH118
