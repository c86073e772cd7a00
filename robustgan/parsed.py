"""What parsing a source file found, remembered beside Python's own compiled files: a plan parses a hundred of them.

An entry is known by the bytes of the file, so that nothing that is remembered can be out of date. Where nothing can be
written there, or Python was told not to, a spare place is used; without one, files are parsed anew each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

Found = tuple[str, tuple[str, ...]]  # digest of a piece of code, and names that it imports

MOST = 4096  # entries that are kept, the newest ones


class Memory:
    """What was found in files, in a JSON file, or in the one at `spare` where that cannot be written."""

    def __init__(self, path: Path, salt: bytes, spare: Path | None = None) -> None:
        self.path, self.salt, self.spare, self.grown = path, salt, spare, False
        self.known: dict[str, list[str]] = {**(_read(spare) if spare else {}), **_read(path)}

    def ask(self, source: bytes, part: str, find: Callable[[], Found]) -> Found:
        """What `find` finds in this part of a file with these bytes."""
        key = hashlib.sha256(b"\0".join((self.salt, part.encode(), source))).hexdigest()
        if key not in self.known:
            digest, imports = find()
            self.known[key], self.grown = [digest, *imports], True
        digest, *names = self.known[key]
        return digest, tuple(names)

    def save(self) -> None:
        """Write what is new; another process may do the same, and one of them is last."""
        if not self.grown:
            return
        self.grown = False
        text = json.dumps(dict(list(self.known.items())[-MOST:]))
        if (sys.dont_write_bytecode or not _written(self.path, text)) and self.spare:
            _written(self.spare, text)


def _read(path: Path) -> dict[str, list[str]]:
    try:
        found: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # not there, or cut off: it is made anew
        return {}
    return found


def _written(path: Path, text: str) -> bool:
    """Whether a file could be put in its place, whole."""
    partial = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError:
        return False
    return True
