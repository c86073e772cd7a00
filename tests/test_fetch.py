import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustgan import fetch as fetching
from robustgan import unpack as unpacking
from robustgan.errors import InputError, RunError
from robustgan.fetch import fetch
from robustgan.journal import silent
from robustgan.unpack import unpack


def member(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def archive_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


NOISE = np.random.default_rng(0).bytes(200_000)  # does not shrink, like images
HONEST = archive_of(
    member("Set_v1", type=tarfile.DIRTYPE),
    member("Set_v1/a/one.png", NOISE),
    member("Set_v1/two.png", b"2" * 10),
)


class Server(ThreadingHTTPServer):
    """Serves one archive, as badly as it is told to, and notes what it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.body = HONEST
        self.ranges = True  # knows Range requests
        self.breaks: list[int] = []  # bytes after which each connection in turn breaks off
        self.extra = 0  # bytes that are announced and never come
        self.codes: list[int] = []  # statuses that each connection in turn gets instead
        self.tag = '"one"'
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/data/Set_v1.tar.gz"


class Answers(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range", "")
        server.asked.append(asked)
        if server.codes and (code := server.codes.pop(0)) != 200:
            self.send_response(code)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        total = len(server.body) + server.extra
        same = self.headers.get("If-Range", server.tag) == server.tag
        start = int(asked[6:].rstrip("-")) if asked and server.ranges and same else 0
        if start and start >= total:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(total - start))
        self.send_header("ETag", server.tag)
        self.end_headers()
        stop = server.breaks.pop(0) if server.breaks else len(server.body)
        self.wfile.write(server.body[start : start + stop])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    one = Server()
    thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield one
    one.shutdown()
    thread.join()
    one.server_close()


def get(server: Server, dest: Path) -> Path:
    return fetch(server.url, dest, silent, pause=0.0)


# ------------------------------------------------------------------------------------------------ downloading


def test_it_arrives_is_recorded_and_unpacked(server: Server, tmp_path: Path) -> None:
    place = get(server, tmp_path / "new/folder")
    assert place == tmp_path / "new/folder/Set_v1"
    assert (place / "a/one.png").read_bytes() == NOISE
    record = json.loads((tmp_path / "new/folder/Set_v1.tar.gz.json").read_text())
    assert record == {"url": server.url, "size": len(HONEST), "sha256": hashlib.sha256(HONEST).hexdigest()}
    names = {path.name for path in (tmp_path / "new/folder").iterdir()}
    assert names == {"Set_v1", "Set_v1.tar.gz", "Set_v1.tar.gz.json"}  # nothing half-done is left


def test_a_second_run_checks_and_does_nothing(server: Server, tmp_path: Path) -> None:
    place = get(server, tmp_path)
    (place / "two.png").write_bytes(b"mine")
    assert get(server, tmp_path) == place
    assert server.asked == [""]
    assert (place / "two.png").read_bytes() == b"mine"


def test_an_archive_that_changed_on_disk_is_refused(server: Server, tmp_path: Path) -> None:
    get(server, tmp_path)
    archive = tmp_path / "Set_v1.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1] + b"!")
    with pytest.raises(InputError, match=r"sha256 is .* came down"):
        get(server, tmp_path)
    archive.write_bytes(b"short")
    with pytest.raises(InputError, match=f"size is 5, but {len(HONEST)} came down"):
        get(server, tmp_path)


def test_a_connection_that_breaks_off_is_resumed(server: Server, tmp_path: Path) -> None:
    server.breaks = [70_000, 1, 50_000]
    assert (get(server, tmp_path) / "a/one.png").read_bytes() == NOISE
    assert server.asked == ["", "bytes=70000-", "bytes=70001-", "bytes=120001-"]


def test_a_killed_run_is_resumed_by_the_next(server: Server, tmp_path: Path) -> None:
    server.breaks = [70_000] + [0] * 20
    with pytest.raises(RunError, match="Run the command again to resume"):
        get(server, tmp_path)
    assert (tmp_path / "Set_v1.tar.gz.part").stat().st_size == 70_000
    server.breaks, server.asked = [], []
    assert (get(server, tmp_path) / "a/one.png").read_bytes() == NOISE
    assert server.asked == ["bytes=70000-"]


def test_a_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.ranges, server.breaks = False, [70_000]
    assert (get(server, tmp_path) / "a/one.png").read_bytes() == NOISE
    assert server.asked == ["", "bytes=70000-"]


def test_a_file_that_changed_on_the_server_starts_again(server: Server, tmp_path: Path) -> None:
    server.breaks = [70_000] + [0] * 20
    with pytest.raises(RunError):
        get(server, tmp_path)
    server.body, server.tag, server.breaks = archive_of(member("Set_v1/new.png", NOISE[::-1])), '"two"', []
    assert (get(server, tmp_path) / "new.png").read_bytes() == NOISE[::-1]


def test_a_server_that_announces_too_much(server: Server, tmp_path: Path) -> None:
    server.extra = 1000
    with pytest.raises(RunError) as caught:
        get(server, tmp_path)
    assert f"announced {len(HONEST) + 1000:,} bytes, {len(HONEST):,} arrived" in str(caught.value)
    assert len(server.asked) <= fetching.FRUITLESS + 2  # it gives up
    assert not (tmp_path / "Set_v1").exists()
    assert not (tmp_path / "Set_v1.tar.gz").exists()


def test_a_server_that_takes_back_what_it_announced(server: Server, tmp_path: Path) -> None:
    server.extra, server.breaks = 1000, [len(HONEST)] + [0] * 20
    with pytest.raises(RunError):
        get(server, tmp_path)
    server.extra, server.body, server.tag = 0, HONEST[:-500], ""
    (tmp_path / "Set_v1.tar.gz.part.tag").unlink()
    with pytest.raises(InputError, match=f"says the file has {len(HONEST) - 500:,} bytes, but {len(HONEST):,} came"):
        get(server, tmp_path)


def test_a_part_that_is_already_complete(server: Server, tmp_path: Path) -> None:
    (tmp_path / "Set_v1.tar.gz.part").write_bytes(HONEST)
    assert (get(server, tmp_path) / "a/one.png").read_bytes() == NOISE


def test_a_refusal_is_said_at_once_and_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.codes = [404]
    with pytest.raises(InputError, match="answers 404"):
        get(server, tmp_path)
    assert server.asked == [""]
    server.codes = [503, 500, 200]
    assert get(server, tmp_path).is_dir()


def test_no_redirect_leads_to_a_file(server: Server, tmp_path: Path) -> None:
    server.codes = [302]
    with pytest.raises((InputError, RunError)):
        get(server, tmp_path)
    assert not (tmp_path / "Set_v1").exists()


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/a.tar.gz",
        "http:///a.tar.gz",
        "/a.tar.gz",
        "http://host/",
        "http://host/a.zip",
    ],
)
def test_other_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="expected"):
        fetch(url, tmp_path, silent)


@pytest.mark.parametrize("name", [".hidden.tar.gz", "a%00.tar.gz", "a%2f..%2f.tar.gz", "a%5cb.tar.gz", "..%2f.."])
def test_a_file_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="expected the address of a"):
        fetch(f"http://127.0.0.1:9/{name}", tmp_path, silent)
    assert not list(tmp_path.iterdir())


def test_nobody_answers(server: Server, tmp_path: Path) -> None:
    url = server.url
    server.server_close()
    with pytest.raises(RunError, match="gave up"):
        fetch(url, tmp_path, silent, pause=0.0)


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="cannot be written"):
        get(server, tmp_path / "file")


def test_progress_is_in_bytes(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    fetch(server.url, tmp_path, lambda *one: seen.append(one), pause=0.0)
    assert (len(HONEST), len(HONEST), "download Set_v1.tar.gz") in seen


# -------------------------------------------------------------------------------------------------- unpacking


def test_several_things_at_the_top_stay_together(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(archive_of(member("a.png", b"1"), member("b/c.png", b"2")))
    place = unpack(tmp_path / "x.tar.gz", tmp_path / "x", silent)
    assert sorted(path.relative_to(place).as_posix() for path in place.rglob("*")) == [
        "a.png",
        "b",
        "b/c.png",
    ]


HOSTILE = {
    "escape": ([member("Set_v1/../../evil", b"x")], "a path that leaves the folder"),
    "absolute": ([member("/tmp/robustgan-evil", b"x")], "a path that leaves the folder"),
    "symlink": ([member("Set_v1/link", type=tarfile.SYMTYPE, linkname="/etc")], "a link"),
    "through a symlink": (
        [member("l", type=tarfile.SYMTYPE, linkname=".."), member("l/evil", b"x")],
        "a link",
    ),
    "hard link": (
        [member("a", b"x"), member("b", type=tarfile.LNKTYPE, linkname="../../etc/passwd")],
        "a link",
    ),
    "device": ([member("zero", type=tarfile.CHRTYPE, devmajor=1, devminor=5)], "neither a file nor a folder"),
    "pipe": ([member("pipe", type=tarfile.FIFOTYPE)], "neither a file nor a folder"),
    "twice": ([member("a", b"x"), member("a", b"y")], "twice"),
    "bomb": ([member("zeros", bytes(70 << 20))], "more than"),
    "many bombs": ([member(f"zeros{i}", bytes(9 << 20)) for i in range(9)], "more than"),
    "header bomb": ([member("n" * (2 << 20), b"x")], "header"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(server: Server, tmp_path: Path, kind: str) -> None:
    members, message = HOSTILE[kind]
    server.body = archive_of(member("Set_v1/innocent.png", b"x"), *members)
    dest = tmp_path / "a/b/c"
    with pytest.raises(InputError, match=message):
        get(server, dest)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()}
    assert left == {"Set_v1.tar.gz", "Set_v1.tar.gz.json"}
    assert not Path("/tmp/robustgan-evil").exists()


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_FILES", 3)
    (tmp_path / "x.tar.gz").write_bytes(archive_of(*(member(f"{i}", b"x") for i in range(4))))
    with pytest.raises(InputError, match="more than 3 files"):
        unpack(tmp_path / "x.tar.gz", tmp_path / "x", silent)


@pytest.mark.parametrize(
    "body", [b"", b"not gzip at all", HONEST[: len(HONEST) // 2], HONEST[:50_000] + HONEST[50_100:]]
)
def test_a_broken_archive(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "x.tar.gz").write_bytes(body)
    with pytest.raises(InputError, match=r"not a sound \.tar\.gz"):
        unpack(tmp_path / "x.tar.gz", tmp_path / "x", silent)
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar.gz"]


def test_modes_and_owners_of_the_archive_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(archive_of(member("d/a", b"x", mode=0o4777), member("d/b", b"x", mode=0)))
    place = unpack(tmp_path / "x.tar.gz", tmp_path / "x", silent)
    assert all(path.stat().st_mode & 0o7000 == 0 and path.stat().st_mode & 0o400 for path in place.iterdir())


def test_a_kill_while_unpacking_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(HONEST)
    (tmp_path / ".x.partial").mkdir()
    (tmp_path / ".x.partial/half.png").write_bytes(b"x")
    place = unpack(tmp_path / "x.tar.gz", tmp_path / "x", silent)
    assert not list(place.rglob("half.png"))
