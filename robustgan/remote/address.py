"""What stands behind a URL, through fsspec; what goes wrong there is told with what to do about it."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustgan.errors import InputError, StoreError

EXTRAS = {"s3": "s3", "s3a": "s3"}  # protocol -> extra of robustgan that brings its package
OURS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # the disk of this machine refused, not the store


class MissingError(StoreError):
    """A file is not there."""


def is_url(text: str) -> bool:
    """Whether a place is given as a URL (`s3://bucket/path`) and not as a path of this machine."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)", text) is not None


def local_name(url: str) -> str:
    """Name of the local folder of a URL: legible, and of this URL alone."""
    legible = re.sub(r"[^A-Za-z0-9]+", "-", url).strip("-")[-40:]
    return f"{legible}-{hashlib.sha256(url.rstrip('/').encode()).hexdigest()[:12]}"


def contained(name: str, where: str) -> str:
    """The name of a file, as another machine gave it, if it can only mean a file inside its folder.

    Raises:
        InputError: it could lead elsewhere.
    """
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise InputError(f"{where}: holds a file named {name!r}, which could leave its folder. Remove it there.")
    return name


@dataclass(frozen=True)
class Address:
    """A folder behind a URL. It pickles, and opens anew in each process."""

    url: str

    def under(self, name: str) -> Address:
        """A folder in this one."""
        return Address(f"{self.url.rstrip('/')}/{name}")

    def files(self) -> dict[str, dict[str, Any]]:
        """What the store says of every file, by its name from here; none where there is no such folder.

        What consoles leave to mark a folder of a store that has none (`a/`, or `a` without a byte) is no file.
        """
        with self._opened() as (fs, root):
            found = fs.find(root, detail=True)
        names = {path.removeprefix(f"{root}/"): facts for path, facts in found.items()}
        parents = {parent for name in names for parent in _parents(name)}
        marks = {name for name, facts in names.items() if name in parents and not facts.get("size")}
        return {contained(name, self.url): names[name] for name in sorted(names.keys() - marks) if name[-1:] != "/"}

    def has(self, name: str) -> bool:
        """Whether a file is there."""
        with self._opened() as (fs, root):
            return bool(fs.exists(f"{root}/{name}"))

    def read(self, name: str) -> bytes:
        """A small file.

        Raises:
            MissingError: it is not there.
        """
        with self._opened() as (fs, root):
            content: bytes = fs.cat_file(f"{root}/{name}")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a small file; on a store of objects it is there whole or not at all."""
        with self._opened() as (fs, root):
            fs.pipe_file(f"{root}/{name}", content)

    def put(self, folder: Path, names: Iterable[str]) -> None:
        """Send files of a local folder, several at once where the store can."""
        listed = list(names)
        with self._opened() as (fs, root):
            fs.put([str(folder / name) for name in listed], [f"{root}/{name}" for name in listed])

    def get(self, names: Iterable[str], folder: Path) -> None:
        """Fetch files into a local folder, several at once where the store can.

        Raises:
            InputError: a name would leave the folder.
            MissingError: one is not there.
        """
        listed = [contained(name, self.url) for name in names]
        for parent in {(folder / name).parent for name in listed}:
            parent.mkdir(parents=True, exist_ok=True)
        with self._opened() as (fs, root):
            fs.get([f"{root}/{name}" for name in listed], [str(folder / name) for name in listed])

    def remove(self, names: Iterable[str]) -> None:
        """Delete files."""
        with self._opened() as (fs, root):
            for name in names:
                fs.rm_file(f"{root}/{name}")

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, str]]:
        """The file system and the folder's path in it, with no listing remembered.

        Raises:
            InputError: nobody knows the protocol, or its package is not installed.
            StoreError: the store refuses or cannot be reached.
        """
        fs, root = _open(self.url)
        fs.invalidate_cache()
        try:
            yield fs, root.rstrip("/")
        except FileNotFoundError as error:
            raise MissingError(f"{self.url}: not there: {error}. Is the bucket or folder right?") from error
        except PermissionError as error:
            raise StoreError(f"{self.url}: no permission: {error}. Look at your credentials and its rules.") from error
        except Exception as error:  # each store has errors of its own
            if isinstance(error, StoreError) or (isinstance(error, OSError) and error.errno in OURS):
                raise
            raise StoreError(
                f"{self.url}: {type(error).__name__}: {error}. What is finished is kept on this machine; mend it and "
                "run the same command again."
            ) from error


def _parents(name: str) -> list[str]:
    """Every folder that a name goes through."""
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _open(url: str) -> tuple[Any, str]:
    protocol = re.split(r"://|::", url)[0]
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise InputError(f"{url}: needs the package fsspec. Run: pip install 'robustgan[remote]'") from None
    try:
        fs, root = url_to_fs(url, **({"auto_mkdir": True} if protocol in ("file", "local") else {}))
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        advice = f"Run: pip install 'robustgan[{extra}]'" if extra else str(error)
        raise InputError(f"{url}: the package for `{protocol}://` is not installed. {advice}") from None
    except ValueError as error:
        raise InputError(f"{url}: {error}. Expected a URL that fsspec knows, as s3://bucket/folder.") from None
    except Exception as error:  # a store may look at its credentials when it is opened
        raise StoreError(f"{url}: cannot be opened: {type(error).__name__}: {error}") from error
    return fs, str(root)
