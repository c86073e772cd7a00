"""Finished stages and reports behind a URL, so that any machine goes on where another one stopped.

A stage is there only once its `run.json` is, which is sent last and holds the sha256 of every other file. What comes
back is held against it: a copy that differs is never used, and the stage is made again. A folder without files is not
kept, and neither is a training that is under way: its checkpoint stays on the machine that trains.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from robustgan.errors import InputError
from robustgan.lease import Tell
from robustgan.remote.address import Address, MissingError
from robustgan.seal import SEAL, digests
from robustgan.store import cached

MARK = "robustgan.json"  # shows, before anything is computed, that the store can be written
LIGHT = "light"  # in the place of `runs`: copies without what is heavy
HEAVY = frozenset({"pixels.npy", "weights.safetensors"})  # what only steps with networks read; a report never does


class DamagedError(Exception):
    """A stage's files are not those that its seal speaks of."""


@dataclass(frozen=True)
class Depot:
    """A folder behind a URL with `runs/` and `reports/`, as a local run has them."""

    url: str

    def write(self, name: str, text: str) -> None:
        """Write a small file beside `runs/` and `reports/`."""
        Address(self.url).write(name, text.encode())

    def open(self) -> None:
        """Make sure that results can be kept, before they are computed.

        Raises:
            InputError: nobody knows the protocol, or its package is not installed.
            StoreError: there is no such bucket, no permission, or no connection.
        """
        self.write(MARK, '{"about": "runs/ and reports/ of robustgan"}\n')

    def has(self, kind: str, key: str) -> bool:
        """Whether a finished stage is there."""
        return self._stage(kind, key).has(SEAL)

    def push(self, kind: str, key: str, folder: Path) -> None:
        """Send a finished stage, unless it is there; two machines that made it made the same."""
        if self.has(kind, key):
            return
        files = digests(folder)
        record = {**json.loads((folder / SEAL).read_text("utf-8")), "files": files}
        self._stage(kind, key).put(folder, files)
        self._stage(kind, key).write(SEAL, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())

    def bring(self, out: Path, kind: str, key: str, light: bool) -> Path | None:
        """A stage's folder from there, on this disk: under `runs`, or under `light` without what is heavy.

        Returns:
            None where what is there is no sound copy; then it counts as not there from now on.

        Raises:
            InputError: a name in the seal would leave the folder.
        """
        skipped = HEAVY if light else frozenset()
        try:
            return cached(out / (LIGHT if light else "runs"), kind, key, partial(self._pull, kind, key, skipped))
        except (DamagedError, MissingError):
            if self.has(kind, key):
                self._stage(kind, key).remove([SEAL])
            return None

    def publish(self, folder: Path) -> None:
        """Replace the report of the folder's name."""
        write_report(folder, self.report(folder.name))

    def report(self, name: str) -> str:
        """URL of a published report."""
        return Address(self.url).under("reports").under(name).url

    def seal(self, name: str) -> bytes:
        """The `run.json` of a published report.

        Raises:
            MissingError: there is no such report.
        """
        return Address(self.report(name)).read(SEAL)

    def _stage(self, kind: str, key: str) -> Address:
        return Address(self.url).under("runs").under(kind).under(key)

    def _pull(self, kind: str, key: str, skipped: frozenset[str], folder: Path, tell: Tell) -> dict[str, Any]:
        """Fill a folder, and return what the stage's own `run.json` said."""
        record = _record(self._stage(kind, key).read(SEAL))
        if (record.get("stage"), record.get("key")) != (kind, key):
            raise DamagedError
        tell(0, 1, "fetch")
        files = {name: digest for name, digest in record.pop("files").items() if name not in skipped}
        shutil.rmtree(folder)  # a training that stopped here may have left its checkpoint
        folder.mkdir()
        self._stage(kind, key).get(files, folder)
        if digests(folder) != files:
            raise DamagedError
        return record


def write_report(folder: Path, url: str) -> None:
    """Replace a published report: new files first, then old ones go, then the seal.

    Who reads meanwhile finds files that the seal does not speak of, and refuses them.
    """
    at = Address(url)
    old, new = set(at.files()), digests(folder)
    at.put(folder, new)
    at.remove(sorted(old - {*new, SEAL}))
    at.write(SEAL, (folder / SEAL).read_bytes())


def read_report(url: str, into: Path) -> Path:
    """Copy a published report to a folder of its name, held against its seal.

    Raises:
        InputError: there is none, or it is not whole.
    """
    at, folder = Address(url), into / url.rstrip("/").rpartition("/")[2]
    try:
        seal = at.read(SEAL)
        files = _record(seal)["files"]
        folder.mkdir()
        at.get(files, folder)
        whole = digests(folder) == files
    except MissingError as error:
        raise InputError(f"{url}: no whole report there ({error}).") from None
    except DamagedError:
        whole = False
    if not whole:
        raise InputError(f"{url}: its files are not those that {SEAL} speaks of. Is it being published? Run it again.")
    (folder / SEAL).write_bytes(seal)
    return folder


def _record(text: bytes) -> dict[str, Any]:
    """A seal, if it is one."""
    try:
        record = json.loads(text)
    except ValueError:
        raise DamagedError from None
    files = record.get("files") if isinstance(record, dict) else None
    if not isinstance(files, dict) or not all(isinstance(digest, str) for digest in files.values()):
        raise DamagedError
    return dict(record)
