"""Files and code that a config names: their digest, and leave to run what is in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from robustgan.errors import InputError


def fingerprint(path: Path) -> str:
    """Digest (sha256) of a file's bytes, read without torch.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.expanduser().open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"weights: {path.expanduser().absolute()} cannot be read: {error.strerror}. Give the path of the "
            "model's file (.safetensors, .pt, .pth, .pt2, .onnx); a relative path starts at the current folder."
        ) from None


def permit(run_code: bool, what: str) -> None:
    """Refuse to run code that nobody has allowed.

    Raises:
        ValueError: `run_code` is off; for a validator of settings.
    """
    if not run_code:
        raise ValueError(
            f"run_code: {what}, so nothing of it is read yet. If you trust where it comes from, set `run_code: true` "
            "(`robustgan audit`: --run-code)"
        )
