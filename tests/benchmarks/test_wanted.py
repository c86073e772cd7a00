"""A quick run never takes the place of a committed table."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import wanted

MAKEFILE = (wanted.ROOT / "Makefile").read_text("utf-8")
NAMES = re.search(r"^BENCHMARKS := (.+)$", MAKEFILE, re.MULTILINE)[1].split()  # type: ignore[index]


def test_quick_tables_lie_under_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "ROOT", tmp_path)
    line = wanted.parser("words")
    assert wanted.folder(line.parse_args(["--quick"])) == tmp_path / "out" / "benchmarks"
    assert wanted.folder(line.parse_args([])) == tmp_path / "reports" / "benchmarks"
    assert wanted.folder(line.parse_args(["--quick", "--out", str(tmp_path / "x")])) == tmp_path / "x"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_that_make_runs_has_a_quick_part(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--help"], capture_output=True, text=True, cwd=wanted.ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout
