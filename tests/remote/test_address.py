"""Addresses: which text is one, which names are refused, and errors that say what to do."""

import builtins
import errno
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from robustgan.errors import InputError, StoreError
from robustgan.remote.address import Address, MissingError, contained, is_url, local_name
from tests.remote.conftest import contents, written


@pytest.mark.parametrize("text", ["s3://bucket/x", "memory://", "file:///a", "simplecache::s3://b/x", "gcs+x://y"])
def test_urls(text: str) -> None:
    assert is_url(text)


@pytest.mark.parametrize("text", ["", ".", "/data", "out/s3", "c:/x", "a:b", "out//x", "2://x", "sub/s3://x"])
def test_paths(text: str) -> None:
    assert not is_url(text)


def test_two_urls_never_share_a_local_folder() -> None:
    urls = [
        "s3://a/b",
        "s3://a-b",
        "s3://a/b/c",
        "gcs://a/b",
        "s3://" + "long" * 30 + "/b",
        "s3://" + "lone" * 30 + "/b",
    ]
    assert len({local_name(url) for url in urls}) == len(urls)
    assert local_name("s3://a/b/") == local_name("s3://a/b")
    assert all("/" not in local_name(url) and len(local_name(url)) < 60 for url in urls)


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "a//b", "./a", "a/.", "", "a\\..\\b", "a\0b", ".."]
)
def test_names_that_could_leave_the_folder_are_refused(name: str, url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could leave its folder"):
        contained(name, "there")
    with pytest.raises(InputError, match="could leave its folder"):
        Address(url).get([name], tmp_path / "here")


@pytest.mark.parametrize("name", ["a", "a/b.png", "..a/b..", "a b/ü.png", "[x]*?.txt", "~", "a:b"])
def test_other_names_go_there_and_come_back(name: str, url: str, tmp_path: Path) -> None:
    sent = written(tmp_path / "sent", {name: b"bytes"})
    at = Address(url).under("deep/er")
    assert at.files() == {}
    at.put(sent, [name])
    assert at.has(name)
    assert list(at.files()) == [name]
    at.get([name], tmp_path / "back")
    assert contents(tmp_path / "back") == contents(sent)
    at.remove([name])
    assert not at.has(name)


def test_what_is_not_there_is_said(url: str, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="not there"):
        Address(url).read("nothing")
    with pytest.raises(MissingError, match="not there"):
        Address(url).get(["nothing"], tmp_path)


def test_an_unknown_protocol_is_explained() -> None:
    with pytest.raises(InputError, match=r"s4://bucket: Protocol not known: s4\. Expected a URL that fsspec knows"):
        Address("s4://bucket").has("x")


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(protocol: str) -> None:
        raise ImportError("Install it to access the store")

    monkeypatch.setattr("fsspec.core.get_filesystem_class", refuse)
    with pytest.raises(InputError, match=r"pip install 'robustgan\[s3\]'"):
        Address("s3://bucket").has("x")
    with pytest.raises(
        InputError, match="Install it to access the store"
    ):  # fsspec's own words, where it is not our extra
        Address("gcs://bucket").has("x")


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def blocked(name: str, *rest: Any) -> Any:
        if name.startswith("fsspec"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(InputError, match=r"pip install 'robustgan\[remote\]'"):
        Address("memory://x").has("x")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError("Access Denied"), "no permission: Access Denied. Look at your credentials"),
        (FileNotFoundError("The specified bucket does not exist"), "Is the bucket or folder right"),
        (ConnectionError("refused"), "ConnectionError: refused. What is finished is kept"),
        (RuntimeError("a store's own"), "RuntimeError: a store's own"),
    ],
)
def test_what_a_store_refuses_says_what_to_do(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", fail)
    with pytest.raises(StoreError, match=said):
        Address("memory://x").write("a", b"")


def test_a_full_disk_here_is_not_blamed_on_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(MemoryFileSystem, "get_file", fail)
    with pytest.raises(OSError, match="No space left"):
        Address("memory://x").get(["a"], tmp_path)
