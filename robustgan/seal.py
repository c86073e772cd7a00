"""The digests that a run leaves in its report's `run.json`: evidence that changed since is not judged in silence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from robustgan.config import read_json
from robustgan.errors import InputError

SEAL = "run.json"  # in the report folder; written when the run ends
# Evidence, with all under evidence/. A rating comes after the run: `rate score --into` adds it and seals again.
ROWS = ("predictions.parquet", "generated.parquet", "survival.parquet", "rating.json")
SHOWN = 3  # changed files that a message names


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file of a folder but the seal, by its path from there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SEAL)
    return {path.relative_to(folder).as_posix(): digest(path) for path in files}


def check(folder: Path, but: str = "") -> None:
    """Compare the evidence with what the run wrote; a folder without a seal says nothing.

    Args:
        folder: the report folder.
        but: a file that is about to be replaced, which may be anything.

    Raises:
        InputError: a file of the evidence was changed, is gone, or was put there by hand.
    """
    told = _read(folder).get("files")
    if not isinstance(told, dict):
        return
    names = [*ROWS, *(name for name in told if name.startswith("evidence/"))]
    changed = [name for name in names if name != but and digest(folder / name) != told.get(name, "")]
    if changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        again = "Score the sheets again" if changed == ["rating.json"] else "Run the config again"
        raise InputError(
            f"{folder}: {', '.join(changed[:SHOWN])}{more} changed since the run wrote this report "
            f"({SEAL} has the digests). {again}: evidence is never edited."
        )


def renew(folder: Path) -> None:
    """Take the digests again after the report was rendered once more from the same evidence."""
    content = _read(folder)
    if "files" in content:
        content["files"] = digests(folder)
        (folder / SEAL).write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _read(folder: Path) -> dict[str, object]:
    return read_json(folder / SEAL) if (folder / SEAL).exists() else {}


def digest(path: Path) -> str:
    """sha256 of a file; empty where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
