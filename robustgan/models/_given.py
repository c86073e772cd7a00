"""Weights files that a config names."""

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
            f"weights: {path.expanduser().absolute()} cannot be read: {error.strerror}. Give the path of a "
            ".safetensors, .pt or .pth file; a relative path starts at the current folder."
        ) from None
