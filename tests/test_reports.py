"""The committed reports are what the code makes of their own tables; the README quotes them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks import readme
from robustgan import seal, tables
from robustgan.report.render import render

ROOT = Path(__file__).parents[1]
COMMITTED = sorted(path.parent for path in (ROOT / "reports").glob("*/run.json"))


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda path: path.name)
def test_a_committed_report_is_rendered_from_its_tables(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    render(copy)
    metrics = tables.read(copy / "metrics.csv", tables.METRICS)
    assert metrics.equals(tables.read(folder / "metrics.csv", tables.METRICS))
    assert (copy / "report.md").read_text("utf-8") == (folder / "report.md").read_text("utf-8")


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda path: path.name)
def test_a_committed_report_is_what_its_run_and_its_last_rendering_wrote(folder: Path) -> None:
    told = json.loads((folder / "run.json").read_text("utf-8"))["files"]
    assert seal.digests(folder) == told


def test_the_suites_that_the_readme_promises_are_there() -> None:
    assert {"quickstart", "idc_subset", "breakhis_subset"} <= {folder.name for folder in COMMITTED}


def test_make_report_leaves_the_committed_reports_alone() -> None:
    done = subprocess.run(["make", "-n", "report"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "robustgan run quickstart --out out --workers 0\n" in done.stdout
    assert "/out/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    for told in (done.stdout, (ROOT / "README.md").read_text("utf-8")):
        assert "out/reports/quickstart/report.html" in told


def test_the_readme_quotes_the_reports() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert readme.rewritten(text) == text, "run: python -m benchmarks.readme"
