"""SLURM: an array of jobs, each a shard of the run, without a live scheduler of our own.

The jobs need nothing of the process that submitted them. When they are over, this process or any later one collects
what they left in the folder that they share.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import UncompletedJobError

from robustgan import store
from robustgan.config import read_yaml
from robustgan.errors import InputError, RunError
from robustgan.execute import Backend, Job
from robustgan.stages import Place, Stage

KNOWN = (0, 3)  # exit codes of a shard that did what it could: the stages say what failed
LOOK = 5.0  # seconds between two looks at the jobs


class Shard:
    """One job of the array. One that is preempted or runs out of time is queued again, and resumes."""

    def __call__(self, command: list[str]) -> int:
        """Run the command.

        Raises:
            RunError: it ended in a way that no stage tells of.
        """
        code = subprocess.run(command, check=False).returncode
        if code not in KNOWN:
            raise RunError(f"the shard ended with exit code {code}.")
        return code

    def checkpoint(self, command: list[str]) -> submitit.helpers.DelayedSubmission:
        """What SLURM shall do after an interruption: the same once more."""
        return submitit.helpers.DelayedSubmission(self, command)


class Collected(Backend):
    """Does nothing: what the jobs did not leave is a failure."""

    def __init__(self, place: Place, logs: Path) -> None:
        self.place, self.logs = place, logs

    def capacity(self) -> int:
        """One: nothing takes time."""
        return 1

    def submit(self, stage: Stage, job: Job) -> Future[object]:
        """Say why a stage is not there, where its job said so."""
        known = store.failure(self.place.out / "runs", stage.kind, stage.key)
        future: Future[object] = Future()
        future.set_exception(RunError(known["reason"] if known else f"no job made it; their logs are in {self.logs}."))
        return future

    def close(self) -> None:
        """Nothing is left to stop."""


def executor(logs: Path, parameters: str) -> submitit.SlurmExecutor:
    """What submits jobs to SLURM.

    Args:
        logs: folder that gets what the jobs print; all machines share it.
        parameters: a YAML file of what each job asks for (partition, time in minutes, gpus_per_node, ...), or empty.

    Raises:
        InputError: there is no SLURM here, or a parameter that it does not know.
    """
    asked: dict[str, Any] = read_yaml(Path(parameters)) if parameters else {}
    try:
        made = submitit.SlurmExecutor(logs)
        made.update_parameters(**{"job_name": "robustgan", **asked})
    except (RuntimeError, ValueError) as error:
        raise InputError(f"--backend slurm: {error}") from error
    return made


def array(executor: submitit.Executor, command: Sequence[str], shards: int) -> list[submitit.Job[int]]:
    """Submit one job a shard: the command with `--shard i/n`."""
    with executor.batch():
        return [executor.submit(Shard(), [*command, "--shard", f"{i}/{shards}"]) for i in range(1, shards + 1)]


def finish(jobs: Sequence[submitit.Job[int]], tell: Callable[[int, int, str], None]) -> list[str]:
    """Wait for all jobs; return one line for each that broke."""
    while sum(job.done() for job in jobs) < len(jobs):
        tell(sum(job.done() for job in jobs), len(jobs), "jobs")
        time.sleep(LOOK)
    broken = []
    for job in jobs:
        try:
            lost = job.exception() is not None
        except UncompletedJobError:  # it left no result: SLURM ended it
            lost = True
        if lost:
            broken.append(f"job {job.job_id} broke off; its log is {job.paths.stderr}")
    return broken
