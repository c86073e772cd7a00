"""A real run whose workers or driver are stopped or killed, through the command line: its report is the same bytes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from robustgan import lease
from tests.execute import planted
from tests.execute.conftest import alive, await_end, below
from tests.faults.conftest import TINY, contents

MODEL = "{kind: densenet, variant: compact, growth_rate: 4, block_config: [1, 1]}"
TRAINING = "{epochs: 2, batch: 4, adversarial: {eps: 8/255, steps: 12}}"  # epochs of seconds: SIGTERM comes within one
PGD = "{kind: pgd, steps: 20, threat: {norm: linf, eps: %d/255}}"
CHANGES = (
    f"models=[{{name: densenet, model: {MODEL}, training: {TRAINING}}}]",
    f"attacks=[{{kind: clean}}, {', '.join(PGD % eps for eps in (4, 8))}]",
    "oracles=[]",
    "strength=null",
    "transfer=false",
    "operating={rule: half}",
)
PROMISED = 10.0  # seconds in which a run that is asked to stop has left
HOW: dict[str, tuple[str, ...]] = {"local": (), "dask": ("--backend", "dask", "--workers", "2")}

Kill = Callable[[int, int], None]


def crowd() -> float:
    """Processes that want a core, for each core: a promise in seconds is one of a machine that has time; else 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def begin(out: Path, *how: str) -> subprocess.Popen[bytes]:
    """A run at the head of a group of processes."""
    words = ["run", str(TINY), *(part for one in CHANGES for part in ("--set", one)), "--out", str(out), *how]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with Path(f"{out}.log").open("ab") as log:
        command = [sys.executable, "-m", "robustgan", *words]
        return subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)


def finish(run: subprocess.Popen[bytes], out: Path) -> dict[str, bytes]:
    """Let a run end; every file of its report."""
    assert run.wait() == 0, Path(f"{out}.log").read_text()
    return contents(out / "reports" / "tiny")


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("serial") / "out"
    found = finish(begin(out, "--backend", "here"), out)
    assert {"predictions.parquet", "metrics.csv", "report.html"} <= set(found)
    return found


def sought(run: subprocess.Popen[bytes], out: Path, pattern: str) -> Path:
    """The first file of a pattern that a run shows."""
    while True:
        for path in (out / "runs").glob(pattern):
            return path
        assert run.poll() is None, f"{pattern} never appeared: {Path(f'{out}.log').read_text()}"
        time.sleep(0.01)


def at_work(run: subprocess.Popen[bytes], out: Path) -> tuple[Path, dict[str, Any]]:
    """The lease of a cell that is being attacked, by a worker and not by the run's own process."""
    path = sought(run, out, ".leases/attacked-*.json")
    found = lease.read(path)
    assert found
    assert found["pid"] != run.pid
    return path, found


@pytest.mark.slow
@pytest.mark.parametrize("backend", HOW)
def test_a_worker_and_then_the_driver_killed_in_a_cell_leave_the_same_bytes(
    backend: str, serial: dict[str, bytes], tmp_path: Path
) -> None:
    out, how = tmp_path / "out", HOW[backend]
    run = begin(out, *how)
    path, victim = at_work(run, out)
    os.kill(victim["pid"], signal.SIGKILL)
    assert (lease.read(path) or {}).get("token") == victim["token"]  # it died in the cell
    assert finish(run, out) == serial
    assert not alive(victim["pid"])

    for kind in ("attacked", "report"):
        shutil.rmtree(out / "runs" / kind)
    shutil.rmtree(out / "reports")
    run = begin(out, *how)
    path, victim = at_work(run, out)
    workers = below(run.pid)
    run.kill()
    run.wait()
    assert not (out / "reports").exists()
    await_end(workers)
    assert (lease.read(path) or {}).get("token") == victim["token"]
    assert finish(begin(out, *how), out) == serial


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "kill"), [("local", os.kill), ("dask", os.kill), ("dask", os.killpg)], ids=("local", "dask", "group")
)
def test_a_run_that_is_stopped_leaves_in_ten_seconds_with_the_checkpoint_of_its_worker(
    backend: str, kill: Kill, serial: dict[str, bytes], tmp_path: Path
) -> None:
    """Systems that stop a unit send SIGTERM to the whole group."""
    out, how = tmp_path / "out", ("--backend", backend, "--workers", "2")
    run = begin(out, *how)
    checkpoint = sought(run, out, "classifier/*.partial/checkpoint.pt")  # the first epoch is over
    workers = below(run.pid)
    start = time.monotonic()
    kill(run.pid, signal.SIGTERM)
    assert run.wait(planted.GIVE_UP) == 128 + signal.SIGTERM
    left = time.monotonic() - start
    await_end(workers)
    gone = time.monotonic() - start
    assert max(left, gone) < PROMISED * crowd(), f"the run left after {left:.1f} s, its workers after {gone:.1f} s"
    assert "The same command goes on from here" in Path(f"{out}.log").read_text()
    assert torch.load(checkpoint)["trace"]  # losses of steps of the second epoch: it was written within that
    assert not list((out / "runs" / ".leases").iterdir())
    assert finish(begin(out, *how), out) == serial
