"""What was parsed once is remembered by the bytes of the file, and never stands in for other bytes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from robustgan.parsed import MOST, Found, Memory


def memory(folder: Path, salt: bytes = b"") -> Memory:
    return Memory(folder / "cache" / "digests.json", salt)


def never() -> Found:
    raise AssertionError("it was not remembered")


@pytest.fixture(autouse=True)
def writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def test_the_next_process_need_not_parse_what_has_not_changed(tmp_path: Path) -> None:
    first = memory(tmp_path)
    first.ask(b"code", "step", lambda: ("digest", ("robustgan.a", "robustgan.b")))
    first.save()
    assert memory(tmp_path).ask(b"code", "step", never) == ("digest", ("robustgan.a", "robustgan.b"))


@pytest.mark.parametrize(("source", "part", "salt"), [(b"codf", "", b""), (b"code", "f", b""), (b"code", "", b"3.12")])
def test_other_bytes_another_part_and_another_python_are_parsed(
    tmp_path: Path, source: bytes, part: str, salt: bytes
) -> None:
    first = memory(tmp_path)
    first.ask(b"code", "", lambda: ("old", ()))
    first.save()
    assert memory(tmp_path, salt).ask(source, part, lambda: ("new", ())) == ("new", ())


def test_a_broken_file_is_made_anew(tmp_path: Path) -> None:
    first = memory(tmp_path)
    first.path.parent.mkdir()
    first.path.write_text('{"half')
    again = memory(tmp_path)
    again.ask(b"code", "", lambda: ("digest", ()))
    again.save()
    assert len(json.loads(again.path.read_text())) == 1


def test_nothing_is_written_where_python_may_not_or_nothing_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    blocked = memory(tmp_path)
    blocked.ask(b"code", "", lambda: ("digest", ()))
    blocked.save()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    told = memory(tmp_path / "b")
    told.ask(b"code", "", lambda: ("digest", ()))
    told.save()
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("told", [False, True])
def test_what_cannot_be_kept_beside_the_code_is_kept_in_the_spare_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", told)
    path, spare = tmp_path / "installed" / "digests.json", tmp_path / "home" / "cache" / "digests.json"
    if not told:
        path.parent.write_text("a file where the folder should be: nobody, root neither, can write below it")
    first = Memory(path, b"", spare)
    first.ask(b"code", "", lambda: ("digest", ()))
    first.save()
    assert Memory(path, b"", spare).ask(b"code", "", never) == ("digest", ())
    assert not path.exists()


def test_the_spare_place_stays_empty_where_there_is_room_beside_the_code(tmp_path: Path) -> None:
    first = Memory(tmp_path / "cache" / "digests.json", b"", tmp_path / "home" / "digests.json")
    first.ask(b"code", "", lambda: ("digest", ()))
    first.save()
    assert first.path.exists()
    assert not (tmp_path / "home").exists()


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    first = memory(tmp_path)
    for i in range(MOST + 3):
        first.ask(str(i).encode(), "", lambda: ("digest", ()))
    first.save()
    again = memory(tmp_path)
    assert len(again.known) == MOST
    assert again.ask(str(MOST).encode(), "", never) == ("digest", ())
