"""A data set behind a URL, copied to this disk once; what changed there since is fetched anew.

What a store says of a file (its size, with its ETag, checksum or date) is noted beside the copy. A file of which it
says no more than the size is fetched each time: the same size promises nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from posixpath import normpath
from typing import Any

from robustgan import lease
from robustgan.errors import InputError, StoreError
from robustgan.journal import Tick
from robustgan.remote.address import Address, is_url, local_name

TAGS = ("ETag", "etag", "md5Hash", "content_md5", "checksum", "mtime", "LastModified", "last_modified", "created")
BATCH = 64  # files that are fetched and noted together


def found(data: str, root: str | None, scratch: Path, tick: Tick) -> Path:
    """The folder of data sets on this disk: the one given or, for a URL, one that holds a copy of the data set.

    Args:
        data: a path or a URL.
        root: the data set's folder in it; None where the data set makes its own images.
        scratch: gets a folder for each URL.
        tick: told of progress, in files.

    Raises:
        InputError: nothing is there, or a name would leave the folder.
        StoreError: the store refuses or cannot be reached.
    """
    if not is_url(data):
        return Path(data).resolve()
    base = scratch.resolve() / local_name(data)
    if root is not None and not Path(root).is_absolute():
        inner = normpath(root)
        if inner.startswith(".."):
            raise InputError(f"dataset.root: found {root}, which leaves {data}. Name a folder in it.")
        with lease.held(base / "lease.json", lambda: False):
            _copy(Address(data).under(inner) if inner != "." else Address(data), base, inner, tick)
    return base / "files"


def _copy(at: Address, base: Path, inner: str, tick: Tick) -> None:
    """Make the copy equal what the store has; a kill loses at most one batch."""
    folder, notes = base / "files" / inner, base / "notes" / f"{local_name(inner)}.jsonl"
    there = at.files()
    if not there:
        raise InputError(f"{at.url}: no files there. --data is the folder that holds the data set's `root`.")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.relative_to(folder).as_posix() not in there:
            path.unlink()
    known, said = _noted(notes), {name: _said(facts) for name, facts in there.items()}
    fresh = [n for n, tag in said.items() if not tag or known.get(n) != [tag, _state(folder / n)]]
    for start in range(0, len(fresh), BATCH):
        tick(start, len(fresh), "copy data")
        batch = {name: there[name] for name in fresh[start : start + BATCH]}
        _fetch(at, batch, base / "arriving", folder)
        with notes.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps([name, said[name], _state(folder / name)]) + "\n" for name in batch)


def _fetch(at: Address, batch: Mapping[str, dict[str, Any]], arriving: Path, folder: Path) -> None:
    """Fetch files beside the copy, and move each there when it is whole."""
    shutil.rmtree(arriving, ignore_errors=True)
    at.get(batch, arriving)
    for name, facts in batch.items():
        size = (arriving / name).stat().st_size
        if facts.get("size") not in (None, size):
            raise StoreError(f"{at.url}/{name}: {size:,} bytes came of {facts['size']:,}. Run the same command again.")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (arriving / name).replace(folder / name)


def _said(facts: Mapping[str, Any]) -> str:
    """What a store promises of a file's bytes; empty where that is nothing."""
    tag = next((facts[name] for name in TAGS if facts.get(name)), None)
    return "" if tag is None else f"{facts.get('size')} {tag}"


def _state(path: Path) -> list[int] | None:
    """Size in bytes and time in ns of a copy; None where there is none."""
    if not path.is_file():
        return None
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns]


def _noted(notes: Path) -> dict[str, list[Any]]:
    """What was noted when a file was copied; the last note counts, and one that a kill cut short says nothing."""
    notes.parent.mkdir(parents=True, exist_ok=True)
    text = notes.read_text("utf-8") if notes.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        notes.write_text(whole, "utf-8")
    return {name: [tag, state] for name, tag, state in map(json.loads, whole.splitlines())}
