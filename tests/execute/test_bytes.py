"""Wherever cells run, the report is the same bytes: the whole of it, figures and all, through the command line."""

import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import submitit
from typer.testing import CliRunner

from robustgan import cli
from robustgan.execute import slurm
from robustgan.journal import silent
from tests.faults.conftest import TINY, contents

SMALL = [
    "attacks=[{kind: clean}, {kind: fgsm, threat: {norm: linf, eps: 8/255}}, "
    "{kind: advgan, threat: {norm: linf, eps: 8/255}, epochs: 2}]",
    "oracles=[]",
]
CELLS = ("attacked", "transferred", "probed", "inspected")  # what no other stage needs
CUT = ("--image-shards", "2")
THREADS = "2"  # not what the workers of two would take by themselves on this or any machine


@pytest.fixture(autouse=True)
def passive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")  # jobs have more threads than cores here: four times as fast


def words(out: Path, *more: str) -> list[str]:
    return ["run", str(TINY), *(part for one in SMALL for part in ("--set", one)), "--out", str(out), *more]


def robustgan(*words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "OMP_NUM_THREADS": THREADS, "OMP_WAIT_POLICY": "passive"}  # more threads than cores here
    return subprocess.run([sys.executable, "-m", "robustgan", *words], env=env, capture_output=True, text=True)


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """What a run with --json said of its stages."""
    return [json.loads(line) for line in done.stdout.splitlines()[:-1]]


def report(out: Path) -> dict[str, bytes]:
    return contents(out / "reports" / "tiny")


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("serial")
    done = robustgan(*words(out, "--backend", "here"))
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Slowest stage: [^,]+.*, \d+\.\d of \d+\.\d s in all\.$", done.stdout, re.MULTILINE)
    found = report(out)
    assert {"predictions.parquet", "metrics.csv", "report.html"} <= set(found)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("how", [("--backend", "local"), ("--backend", "dask"), CUT], ids=" ".join)
def test_workers_make_the_same_bytes(how: tuple[str, str], serial: dict[str, bytes], tmp_path: Path) -> None:
    done = robustgan(*words(tmp_path, *how, "--workers", "2"))
    assert done.returncode == 0, done.stderr
    assert report(tmp_path) == serial
    records = json.loads((tmp_path / "reports" / "tiny" / "run.json").read_text())["stages"]
    assert {one["device"] for one in records if one["stage"] == "attacked"} == {f"CPU, {THREADS} threads"}


@pytest.mark.slow
def test_backends_at_work_on_one_folder_at_once_make_the_same_bytes(serial: dict[str, bytes], tmp_path: Path) -> None:
    """Each has one half of the cells, so that both take part whatever their speed; what cells need is anybody's."""
    halves = [("--shard", "1/2", "--backend", "dask", "--workers", "1"), ("--shard", "2/2", "--workers", "2")]
    with ThreadPoolExecutor(2) as both:
        runs = list(both.map(lambda half: robustgan(*words(tmp_path, *half, "--json")), halves))
    assert [one.returncode for one in runs] == [0, 0], runs
    begun = [{one["name"] for one in events(run) if one["event"] == "begins" and one["stage"] in CELLS} for run in runs]
    assert min(map(len, begun)) >= 4
    assert not set.intersection(*begun)
    assert not (tmp_path / "reports").exists()
    done = robustgan(*words(tmp_path, "--json"))
    assert done.returncode == 0, done.stderr
    kept = {one["name"] for one in events(done) if one["event"] == "kept" and one["stage"] in CELLS}
    assert kept == set.union(*begun)
    assert [one["name"] for one in events(done) if one["event"] == "begins"] == ["report"]
    assert report(tmp_path) == serial


@pytest.mark.slow
def test_an_array_of_jobs_makes_the_same_bytes(
    serial: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of `--backend slurm` but SLURM: submitit starts the jobs on this machine."""

    def executor(logs: Path, parameters: str) -> submitit.LocalExecutor:
        made = submitit.LocalExecutor(logs)
        made.update_parameters(timeout_min=60)
        return made

    monkeypatch.setattr(slurm, "executor", executor)
    monkeypatch.setattr(slurm, "LOOK", 0.1)
    run = words(tmp_path, "--backend", "slurm", "--workers", "2", "--threads", THREADS)
    first, again = (CliRunner().invoke(cli.app, run) for _ in range(2))
    assert first.exit_code == 0, first.output
    assert "Submitted 2 jobs, " in first.stderr
    assert len(list((tmp_path / "runs" / ".slurm").glob("*_result.pkl"))) == 2
    assert report(tmp_path) == serial
    assert again.exit_code == 0, again.output
    assert "Submitted" not in again.stderr  # all is there


@pytest.mark.slow
def test_shards_of_parts_make_the_same_bytes(serial: dict[str, bytes], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "robustgan", *words(tmp_path, "--threads", THREADS, *CUT)]
    executor = submitit.LocalExecutor(tmp_path / "logs")
    executor.update_parameters(timeout_min=60)
    jobs = slurm.array(executor, command, 2)
    assert slurm.finish(jobs, silent) == []
    said = [job.paths.stdout.read_text() for job in jobs]
    assert all(f"Shard {i}/2: " in text for i, text in enumerate(said, 1)), shlex.join(said)
    assert not (tmp_path / "reports").exists()
    done = robustgan(*words(tmp_path, "--json"))
    assert done.returncode == 0, done.stderr
    assert {event["event"] for event in events(done) if event["stage"] != "report"} == {"kept"}
    assert report(tmp_path) == serial
