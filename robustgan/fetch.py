"""Download an archive (with resume and a record of what came), and unpack it without trusting it.

The servers that hold such data are slow, break off, and publish no checksum: the size and sha256 of what came
are written beside the archive, and every later run holds the archive against them.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from robustgan.errors import InputError, RunError
from robustgan.journal import Tick
from robustgan.unpack import unpack

BREAKHIS_URL = "http://www.inf.ufpr.br/vri/databases/BreaKHis_v1.tar.gz"  # plain HTTP, about 4 GB

BLOCK = 1 << 20  # bytes read at once
PATIENCE = 30.0  # seconds without a byte after which a connection counts as broken
FRUITLESS = 5  # connections in a row that bring nothing new, after which we give up


class Answer(NamedTuple):
    """What a server says about a file before it sends it."""

    start: int  # the byte at which its body begins
    total: int | None  # size of the whole file, in bytes; None where it does not say
    tag: str  # its ETag or Last-Modified; empty where it has none


def fetch(url: str, dest: Path, tick: Tick, pause: float = 2.0) -> Path:
    """Download an archive into `dest` and unpack it there; do only what is not done yet.

    Args:
        url: http or https, of a .tar.gz.
        dest: Folder; gets the archive, `<archive>.json` (url, size, sha256) and the unpacked folder.
        tick: Told of progress, in bytes.
        pause: Seconds before the second connection; doubled with each one that brings nothing.

    Returns:
        The unpacked folder.

    Raises:
        InputError: the address is none, the server refuses or contradicts itself, or the archive is not safe.
        RunError: the connection breaks again and again, or the disk refuses.
    """
    try:
        dest.mkdir(parents=True, exist_ok=True)
        archive = download(url, dest, tick, pause)
        place = archive.with_name(re.sub(r"\.(tar\.gz|tgz)$", "", archive.name))
        return place if place.is_dir() else unpack(archive, place, tick)
    except OSError as error:
        raise RunError(f"{dest}: cannot be written: {error.strerror or error}. What came so far is kept.") from None


def download(url: str, dest: Path, tick: Tick, pause: float = 2.0) -> Path:
    """Download a file into the folder `dest`, resuming what is there; see `fetch`."""
    archive = dest / _file_name(url)
    record, part = archive.with_name(archive.name + ".json"), archive.with_name(archive.name + ".part")
    if archive.exists() and record.exists():
        _verify(archive, json.loads(record.read_text("utf-8")), tick)
        return archive
    _receive(url, part, tick, pause)
    record.write_text(json.dumps({"url": url, **_measure(part, tick)}, indent=1) + "\n", "utf-8")
    part.replace(archive)
    _tag_file(part).unlink(missing_ok=True)
    return archive


def _file_name(url: str) -> str:
    """Last step of the address, if that is a name that an archive may have."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{url}: not an address to download from; expected http:// or https://.")
    name = unquote(parts.path).rpartition("/")[2]
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.(tar\.gz|tgz)", name):
        raise InputError(f"{url}: expected the address of a .tar.gz file, found the name {name!r}.")
    return name


def _measure(path: Path, tick: Tick) -> dict[str, Any]:
    total, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
            done += len(block)
            tick(done, size, "check")
    return {"size": size, "sha256": total.hexdigest()}


def _verify(archive: Path, record: dict[str, Any], tick: Tick) -> None:
    found = _measure(archive, tick)
    for key, value in found.items():
        if record.get(key) != value:
            raise InputError(
                f"{archive}: {key} is {value}, but {record.get(key)} came down. Delete it and its .json "
                "to download it again."
            )


# -------------------------------------------------------------------------------------------------- receiving


def _receive(url: str, part: Path, tick: Tick, pause: float) -> None:
    """Fill `part`, over as many connections as it takes while each brings something new."""
    best, fruitless, trouble = _size(part), 0, ""
    while fruitless <= FRUITLESS:
        if fruitless:
            time.sleep(pause * 2 ** (fruitless - 1))
        try:
            total = _connect(url, part, tick)
            if total is None or _size(part) == total:
                return
            trouble = f"the server announced {total:,} bytes, {_size(part):,} arrived"
        except (http.client.HTTPException, urllib.error.URLError, ConnectionError, TimeoutError) as error:
            _give_up_if_refused(url, error)
            trouble = str(error) or type(error).__name__
        fruitless = 0 if _size(part) > best else fruitless + 1
        best = max(best, _size(part))
    raise RunError(
        f"{url}: gave up after {fruitless} connections without progress: {trouble}. Run the command again to resume."
    )


def _give_up_if_refused(url: str, error: Exception) -> None:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
    if isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code not in (408, 429):
        raise InputError(f"{url}: the server answers {error.code} {error.reason}.") from None


def _connect(url: str, part: Path, tick: Tick) -> int | None:
    """Receive what one connection brings; return the size that the server claims for the whole file.

    A server that knows no ranges, or whose file changed, sends all of it again.
    """
    have, tag = _size(part), _read_tag(part)
    headers = {"User-Agent": "robustgan", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", **({"If-Range": tag} if tag else {})}
    try:
        response = _opener().open(urllib.request.Request(url, headers=headers), timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        return _out_of_range(url, part, error)
    with response:
        answer = _answer(response, have)
        if answer.start not in (0, have):
            raise InputError(f"{url}: asked for the bytes from {have:,}, the server sends those from {answer.start:,}.")
        _write_tag(part, answer.tag)
        with part.open("ab" if answer.start else "wb") as file:
            while block := response.read(BLOCK):
                file.write(block)
                tick(file.tell(), answer.total or 0, f"download {part.stem}")
    return answer.total


def _opener() -> urllib.request.OpenerDirector:
    """An opener for http and https alone: no redirect leads to a file or to another protocol."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.UnknownHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _answer(response: http.client.HTTPResponse, have: int) -> Answer:
    tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    tag = "" if tag.startswith("W/") else tag  # a weak tag does not promise the same bytes
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match:
            return Answer(int(match[1]), int(match[2]) if match[2].isdigit() else None, tag)
        return Answer(have, None, tag)
    length = response.headers.get("Content-Length")
    return Answer(0, int(length) if length and length.isdigit() else None, tag)


def _out_of_range(url: str, part: Path, error: urllib.error.HTTPError) -> int | None:
    """The server says that nothing follows what we have: either that is all, or somebody is wrong."""
    error.close()
    match = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
    size = _size(part)
    if match and int(match[1]) == size:
        return size
    part.unlink()
    said = f"says the file has {int(match[1]):,} bytes" if match else "has no such range"
    raise InputError(
        f"{url}: the server {said}, but {size:,} came before. Run the command again to start anew."
    ) from None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tag_file(part: Path) -> Path:
    return part.with_name(part.name + ".tag")


def _read_tag(part: Path) -> str:
    return _tag_file(part).read_text("utf-8") if _tag_file(part).exists() else ""


def _write_tag(part: Path, tag: str) -> None:
    _tag_file(part).write_text(tag, "utf-8")
