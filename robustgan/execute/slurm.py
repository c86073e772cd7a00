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

from robustgan.config import read_yaml
from robustgan.errors import InputError, RunError
from robustgan.execute import Backend, Here, Job
from robustgan.parts import Joined, failure
from robustgan.stage import Place, Stage

KNOWN = (0, 3)  # exit codes of a shard that did what it could: the stages say what failed
LOOK = 5.0  # seconds between two looks at the jobs
GLANCE = 0.2  # seconds between two looks at a shard's process
TIMEOUTS = 1000  # times that a job which runs out of time is queued again; 3 by default, too few for a long training
PATIENCE = 20.0  # seconds that it has to leave: twice what it says it needs


class Shard:
    """One job of the array. One that is preempted or runs out of time is queued again, and resumes."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self, command: list[str]) -> int:
        """Run the command.

        Raises:
            RunError: it ended in a way that no stage tells of.
        """
        self.process = subprocess.Popen(command)
        while (code := self.process.poll()) is None:  # no `wait`: it would hold a lock that `checkpoint` needs
            time.sleep(GLANCE)
        if code not in KNOWN:
            raise RunError(f"the shard ended with exit code {code}.")
        return code

    def checkpoint(self, command: list[str]) -> submitit.helpers.DelayedSubmission:
        """Before SLURM ends the job: have the command leave, with its checkpoints; then the same once more."""
        end = time.monotonic() + PATIENCE
        if self.process:
            self.process.terminate()
            while self.process.poll() is None and time.monotonic() < end:
                time.sleep(GLANCE)
        return submitit.helpers.DelayedSubmission(Shard(), command)


class Collected(Backend):
    """Does nothing but join: what the jobs did not leave is a failure."""

    def __init__(self, place: Place, logs: Path) -> None:
        self.place, self.logs = place, logs

    def capacity(self) -> int:
        """One: nothing takes time."""
        return 1

    def submit(self, stage: Stage, job: Job) -> Future[object]:
        """Say why a stage is not there, where its job said so; join what its jobs left in parts."""
        if isinstance(stage, Joined):
            return Here().submit(stage, job)
        known = failure(self.place, stage)
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
        made = submitit.SlurmExecutor(logs, max_num_timeout=TIMEOUTS)
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
