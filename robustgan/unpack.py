"""Unpack a .tar.gz that nobody vouches for: no path escapes, no links, no devices, no bombs."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from robustgan.errors import InputError
from robustgan.journal import Tick

MAX_FILES = 100_000
MAX_BYTES = 20 << 30  # of all files together
MAX_RATIO = 50  # unpacked bytes a packed one; images hardly shrink, so a bomb is far above and real data far below
FREE_BYTES = 64 << 20  # below this the ratio means nothing
MAX_HEADER = 1 << 20  # tarfile reads a header whole into memory; file contents it reads in small blocks


class Meter(gzip.GzipFile):
    """A gzip stream that refuses to grow into a bomb."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self.limit = min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * path.stat().st_size))

    def read(self, size: int | None = -1) -> bytes:
        """Read, unless a header is too large or all of it is."""
        if size is None or not 0 <= size <= MAX_HEADER:
            raise InputError(f"{self.name}: refused, a header of {size} bytes (allowed: {MAX_HEADER:,}).")
        if self.tell() + size > self.limit:
            raise InputError(f"{self.name}: refused, it unpacks to more than {self.limit:,} bytes.")
        return super().read(size)


def unpack(archive: Path, place: Path, tick: Tick) -> Path:
    """Unpack into `place`, which appears by one rename when everything in the archive was found harmless.

    Where the archive holds one folder, that folder becomes `place`.

    Raises:
        InputError: the archive is broken, or holds something that is refused; nothing of it is kept.
    """
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with Meter(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            for count, member in enumerate(tar, start=1):
                _check(member, count, stream, archive)
                _write(tar, member, partial)
                tick(count, 0, "unpack")
        _inner(partial).rename(place)
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, UnicodeError) as error:
        raise InputError(
            f"{archive}: not a sound .tar.gz: {error}. Delete it and its .json to download it again."
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def _inner(folder: Path) -> Path:
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _check(member: tarfile.TarInfo, count: int, stream: Meter, archive: Path) -> None:
    """Refuse everything but plain files and folders below the place where we unpack."""
    path = PurePosixPath(member.name)
    reasons = {
        "a path that leaves the folder": path.is_absolute() or ".." in path.parts or "\0" in member.name,
        "a link": member.issym() or member.islnk(),
        "neither a file nor a folder": not (member.isfile() or member.isdir() or member.issym() or member.islnk()),
        "a sparse file": member.issparse(),
        f"more than {MAX_FILES:,} files": count > MAX_FILES,
        f"more than {stream.limit:,} bytes": member.size > stream.limit - stream.tell(),
    }
    found = [reason for reason, holds in reasons.items() if holds]
    if found:
        raise InputError(f"{archive}: refused, it holds {found[0]}: {member.name!r:.200}. Nothing was unpacked.")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one member ourselves: no owner, no mode, no time, and never over something that is there."""
    guard = getattr(tarfile, "data_filter", None)  # from Python 3.11.4; a second opinion on the checks above
    if guard is not None:
        guard(member, str(folder))
    place = folder / member.name
    if member.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    content: IO[bytes] | None = tar.extractfile(member)
    try:
        with place.open("xb") as file:
            if content is not None:
                shutil.copyfileobj(content, file, 1 << 16)
    except FileExistsError:
        raise InputError(f"refused, the archive holds {member.name!r:.200} twice.") from None
