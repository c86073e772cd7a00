"""`make bench` has what it races, runs every benchmark that has a quick part, and says how long all of it took."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = {"wanted"}  # what the benchmarks share: no benchmark
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def dry() -> list[str]:
    """What `make bench` would run on a fresh machine."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    done = subprocess.run(["make", "-C", str(ROOT), "-n", "-B", "bench"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_peers_are_installed_before_they_are_raced() -> None:
    lines = dry()
    installed = next(i for i, line in enumerate(lines) if "--group parity" in line)
    assert installed < next(i for i, line in enumerate(lines) if "benchmarks." in line)
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    assert {re.split("[><=]", one)[0] for one in groups["parity"]} == {"foolbox", "torchattacks"}


def test_every_benchmark_with_a_quick_part_takes_part() -> None:
    names = re.search(r"^BENCHMARKS := (.*)$", MAKEFILE, re.MULTILINE)
    assert names
    quick = {
        path.stem
        for path in (ROOT / "benchmarks").glob("*.py")
        if re.search(r'"--quick"|import .*\bparser\b', path.read_text("utf-8"))
    }
    assert set(names[1].split()) == quick - SHARED


@pytest.mark.parametrize("wrong", ["", "second"])
def test_the_time_is_said_at_the_end_and_a_benchmark_that_fails_ends_it(tmp_path: Path, wrong: str) -> None:
    """The recipe itself, with a Python that only says what it was asked."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    told = tmp_path / "python"
    told.write_text(f'#!/bin/sh\necho "$@"\ncase "$2" in benchmarks.{wrong or "none"}) exit 1;; esac\n', "utf-8")
    told.chmod(0o755)
    fresh = [word for stamp in ("python", "run", "bench") for word in ("-o", f".venv/.{stamp}")]
    words = ["make", "-C", str(ROOT), *fresh, "bench", f"BIN={tmp_path}", "BENCHMARKS=first second third"]
    done = subprocess.run(words, capture_output=True, text=True)
    ran = re.findall(r"^-m benchmarks\.(\w+) --quick$", done.stdout, re.MULTILINE)
    assert ran == (["first", "second"] if wrong else ["first", "second", "third"]), done.stdout + done.stderr
    assert (done.returncode == 0) == (not wrong)
    assert bool(re.search(r"All of it took 0 min \d+ s\.", done.stdout)) == (not wrong)


def test_an_old_requests_does_not_come_with_the_peers() -> None:
    """torchattacks pins one of 2020; the override leaves those that the stores and the test server need as they are."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]
    assert settings["override-dependencies"] == ["requests>=2.32"]
