"""Evidence that was changed is not judged in silence."""

import json
from pathlib import Path

import pytest

from robustgan import seal
from robustgan.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "evidence").mkdir()
    for name in ("predictions.parquet", "evidence/leaks.csv", "report.html"):
        (tmp_path / name).write_text(f"what {name} says")
    (tmp_path / "run.json").write_text(json.dumps({"stages": [], "files": seal.digests(tmp_path)}))
    return tmp_path


def test_what_the_run_wrote_is_accepted(folder: Path) -> None:
    seal.check(folder)


@pytest.mark.parametrize("name", ["predictions.parquet", "evidence/leaks.csv"])
@pytest.mark.parametrize("gone", [True, False])
def test_changed_evidence_is_refused(folder: Path, name: str, gone: bool) -> None:
    (folder / name).unlink() if gone else (folder / name).write_text("flattering")
    with pytest.raises(InputError, match=f"{name} changed since the run wrote"):
        seal.check(folder)


def test_rows_that_were_put_there_by_hand_are_refused(folder: Path) -> None:
    (folder / "rating.json").write_text("flattering")
    with pytest.raises(InputError, match=r"rating\.json changed .* Score the sheets again"):
        seal.check(folder)
    seal.check(folder, but="rating.json")
    seal.renew(folder)
    seal.check(folder)


def test_a_report_that_was_rendered_again_is_sealed_again(folder: Path) -> None:
    (folder / "report.html").write_text("the same in other words")
    seal.check(folder)
    seal.renew(folder)
    content = json.loads((folder / "run.json").read_text())
    assert content["files"] == seal.digests(folder)
    assert content["stages"] == []


def test_a_folder_without_a_seal_says_nothing(tmp_path: Path) -> None:
    seal.check(tmp_path)
    seal.renew(tmp_path)
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize("content", ["[]", "{", "3"])
def test_a_broken_seal_is_named(folder: Path, content: str) -> None:
    (folder / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json"):
        seal.check(folder)
