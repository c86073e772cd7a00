"""The digests that a run leaves in its report's `run.json`: evidence that changed since is not judged in silence."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from robustgan.errors import InputError

SEAL = "run.json"  # in the report folder; written when the run ends
ROWS = ("predictions.parquet", "generated.parquet", "survival.parquet")  # evidence, with all under evidence/
SHOWN = 3  # changed files that a message names


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file of a folder but the seal, by its path from there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SEAL)
    return {path.relative_to(folder).as_posix(): _digest(path) for path in files}


def check(folder: Path) -> None:
    """Compare the evidence with what the run wrote; a folder without a seal says nothing.

    Raises:
        InputError: a file of the evidence was changed or is gone.
    """
    told = _read(folder).get("files")
    if not isinstance(told, dict):
        return
    wanted = {name: digest for name, digest in told.items() if name in ROWS or name.startswith("evidence/")}
    changed = [name for name, digest in wanted.items() if _digest(folder / name) != digest]
    if changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise InputError(
            f"{folder}: {', '.join(changed[:SHOWN])}{more} changed since the run wrote this report "
            f"({SEAL} has the digests). Run the config again: evidence is never edited."
        )


def renew(folder: Path) -> None:
    """Take the digests again after the report was rendered once more from the same evidence."""
    content = _read(folder)
    if "files" in content:
        content["files"] = digests(folder)
        (folder / SEAL).write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _read(folder: Path) -> dict[str, object]:
    try:
        content = json.loads((folder / SEAL).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / SEAL}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{folder / SEAL}: found {type(content).__name__}, expected an object.")
    return content


def _digest(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
