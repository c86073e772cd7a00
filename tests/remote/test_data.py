"""Data sets behind a URL: copied once, the same bytes, what changed anew, and nothing beside its folder."""

from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from robustgan.errors import InputError, StoreError
from robustgan.journal import silent
from robustgan.remote import data
from robustgan.remote.address import Address, local_name
from tests.remote.conftest import contents, written

FILES = {"manifest.csv": b"path,label\n", "images/a.png": b"a", "images/b.png": b"b"}


class Fetched:
    """Names that were fetched since the last look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real, self.names = Address.get, set[str]()

        def get(at: Address, names: Any, folder: Path) -> None:
            self.names |= set(names)
            real(at, names, folder)

        monkeypatch.setattr(Address, "get", get)

    def look(self) -> set[str]:
        names, self.names = self.names, set()
        return names


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> Fetched:
    return Fetched(monkeypatch)


@pytest.fixture
def store(url: str, tmp_path: Path) -> Address:
    at = Address(url).under("slides")
    at.put(written(tmp_path / "sent", FILES), FILES)
    return at


def found(url: str, tmp_path: Path, root: str | None = "slides") -> Path:
    return data.found(url, root, tmp_path / "scratch", silent)


def test_a_path_is_only_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert data.found("here", "slides", tmp_path / "scratch", silent) == tmp_path / "here"
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_is_copied_once(store: Address, url: str, tmp_path: Path, fetched: Fetched) -> None:
    folder = found(url, tmp_path)
    assert contents(folder / "slides") == FILES
    assert fetched.look() == set(FILES)
    assert found(url + "/", tmp_path) == folder
    assert fetched.look() == set()


def test_what_changed_there_is_fetched_anew_and_what_went_goes(
    store: Address, url: str, tmp_path: Path, fetched: Fetched
) -> None:
    found(url, tmp_path)
    fetched.look()
    store.write("images/a.png", b"A")  # the same size
    store.write("images/c.png", b"c")
    store.remove(["images/b.png"])
    folder = found(url, tmp_path) / "slides"
    assert fetched.look() == {"images/a.png", "images/c.png"}
    assert contents(folder) == {"manifest.csv": FILES["manifest.csv"], "images/a.png": b"A", "images/c.png": b"c"}


def test_a_copy_that_was_changed_here_is_fetched_anew(
    store: Address, url: str, tmp_path: Path, fetched: Fetched
) -> None:
    folder = found(url, tmp_path) / "slides"
    fetched.look()
    (folder / "images/a.png").write_bytes(b"other")
    (folder / "images/b.png").unlink()
    found(url, tmp_path)
    assert fetched.look() == {"images/a.png", "images/b.png"}
    assert contents(folder) == FILES


def test_after_a_kill_only_what_had_not_come_is_fetched(
    store: Address, url: str, tmp_path: Path, fetched: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "BATCH", 1)
    seen: list[int] = []

    def die(done: int, total: int, text: str) -> None:
        seen.append(done)
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        data.found(url, "slides", tmp_path / "scratch", die)
    assert seen == [0, 1, 2]
    notes = next((tmp_path / "scratch").rglob("*.jsonl"))
    notes.write_text(notes.read_text("utf-8") + '["images/a.p', "utf-8")  # a note that was cut short
    before = fetched.look()
    folder = found(url, tmp_path)
    assert fetched.look() == set(FILES) - before
    assert contents(folder / "slides") == FILES


def test_a_store_that_promises_nothing_is_read_each_time(
    store: Address, url: str, tmp_path: Path, fetched: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "TAGS", ())
    found(url, tmp_path)
    fetched.look()
    found(url, tmp_path)
    assert fetched.look() == set(FILES)


def test_a_file_that_came_short_is_refused(
    store: Address, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Address.files
    monkeypatch.setattr(Address, "files", lambda at: {n: {**facts, "size": 99} for n, facts in real(at).items()})
    with pytest.raises(StoreError, match="bytes came of 99"):
        found(url, tmp_path)


def test_what_makes_its_own_images_needs_no_copy(url: str, tmp_path: Path, fetched: Fetched) -> None:
    assert found(url, tmp_path, None) == tmp_path / "scratch" / local_name(url) / "files"
    assert fetched.look() == set()


def test_the_root_may_be_the_url_itself(store: Address, tmp_path: Path) -> None:
    assert contents(found(store.url, tmp_path, ".")) == FILES


@pytest.mark.parametrize(("root", "said"), [("nothing", "no files there"), ("../x", r"dataset\.root: found \.\./x")])
def test_a_wrong_root_is_explained(root: str, said: str, store: Address, url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        found(url, tmp_path, root)


def test_a_listing_cannot_write_outside_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {"/store/slides/../../evil": {"size": 1, "mtime": 1}}
    monkeypatch.setattr(MemoryFileSystem, "find", lambda fs, root, **options: listed)
    with pytest.raises(InputError, match="could leave its folder"):
        found("memory://store", tmp_path)
    assert not list(tmp_path.rglob("evil"))
