"""Where stages run: in this process, in worker processes beside it, on a dask cluster, as jobs of SLURM.

A backend says how many stages it can do at once, and does them; `loop.py` decides which. Results are the same bytes
wherever they are made.
"""

from __future__ import annotations

import importlib.util
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import ClassVar

from robustgan.errors import InputError
from robustgan.stage import Stage

Job = Callable[[], object]  # makes one stage's folder; it pickles


class Backend(ABC):
    """Does jobs, somewhere."""

    apart: ClassVar[bool] = True  # jobs run in other processes, which show no progress here

    @abstractmethod
    def capacity(self) -> int:
        """Jobs that it can do at once."""

    @abstractmethod
    def submit(self, stage: Stage, job: Job) -> Future[object]:
        """Begin a stage's job. An error of the job is the future's; so is a RunError where its workers keep dying."""

    @abstractmethod
    def close(self) -> None:
        """Stop what still runs, and leave no process behind."""


class Here(Backend):
    """This process, one job at a time."""

    apart = False

    def capacity(self) -> int:
        """One."""
        return 1

    def submit(self, stage: Stage, job: Job) -> Future[object]:
        """Do the job now."""
        future: Future[object] = Future()
        try:
            future.set_result(job())
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is left to stop."""


@dataclass(frozen=True)
class Manner:
    """How a run is carried out; nothing of it changes a result."""

    backend: Backend = field(default_factory=Here)
    fail_fast: bool = False  # stop at the first stage that fails
    max_hours: float = math.inf  # nothing new begins after them
    parts: int = 1  # into which the test images of a cell are cut (parts.py)


def choose(name: str, workers: int, scheduler: str) -> Backend:
    """The backend, of those that take one stage at a time, that the command line asks for; 0 workers: one a core.

    Raises:
        InputError: its package is not installed, or an option belongs to another backend.
    """
    if scheduler and name in ("local", "here"):
        raise InputError(f"--scheduler: it belongs to --backend dask or slurm, found --backend {name}.")
    if name == "here":
        if workers != 1:
            raise InputError(f"--workers: found {workers} with --backend here, which is this process alone.")
        return Here()
    workers = workers or os.cpu_count() or 1
    if name == "dask":
        need("dask", "distributed")
        from robustgan.execute.cluster import Cluster

        return Cluster(scheduler, workers)
    from robustgan.execute.local import Local

    return Local(workers)


def need(extra: str, package: str) -> None:
    """Find out whether the package of an extra is there.

    Raises:
        InputError: it is not.
    """
    if importlib.util.find_spec(package) is None:
        raise InputError(
            f"--backend {extra}: the package `{package}` is not installed here. Run: pip install 'robustgan[{extra}]'"
        )
