"""A report folder, as a policy sees it."""

from pathlib import Path

import pytest

from robustgan import tables
from robustgan.errors import InputError
from robustgan.gates import read_run
from tests.gates import cases
from tests.report import planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.build(
        tmp_path_factory.mktemp("run") / "planted", patients=6, repeats=1, levels=(8,), magnifications=(40, 400)
    )


def test_a_folder_of_an_older_version(folder: Path) -> None:
    run = read_run(folder)
    assert (run.name, run.models) == ("planted", ("densenet",))
    assert run.strength is None
    assert run.survival is None
    assert run.leaks is not None
    assert {"sensitivity", "missed_cancers"} <= set(run.metrics["metric"])


def test_what_newer_versions_write(folder: Path) -> None:
    rows = tables.read(folder / "predictions.parquet", tables.PREDICTIONS)
    tables.write(cases.strength(), tables.STRENGTH, folder / "strength.csv")
    tables.write(cases.survival(rows), tables.SURVIVAL, folder / "survival.parquet")
    run = read_run(folder)
    assert run.strength is not None
    assert run.survival is not None
    assert list(run.strength["status"]) == ["pass", "pass", "warn"]
    assert len(run.survival) == (rows["attack"] == "pgd").sum()


def test_numbers_come_from_the_rows_and_not_from_a_file_beside_them(folder: Path) -> None:
    (folder / "metrics.csv").write_text("nonsense")
    assert len(read_run(folder).metrics) > 100


@pytest.mark.parametrize("wrong", ["nowhere", "no-json", "no-object"])
def test_no_report_folder(folder: Path, tmp_path: Path, wrong: str) -> None:
    if wrong != "nowhere":
        (tmp_path / "evidence").mkdir()
        (tmp_path / "predictions.parquet").write_bytes((folder / "predictions.parquet").read_bytes())
        (tmp_path / "evidence" / "run.json").write_text("[1]" if wrong == "no-object" else "{")
    with pytest.raises(InputError, match=r"run\.json|no report folder"):
        read_run(tmp_path)
