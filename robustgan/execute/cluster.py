"""A dask cluster: many machines that share the run's folder, or worker processes on this one.

A task's key is its stage's, so that two runs that ask for one stage get one task. A stage that fails is never tried
again by dask: it would fail again. One whose worker died is, as often as the scheduler's `allowed-failures` says.

A worker does a task in a thread, which hears no signals; its nanny does, and tells the worker to close. A task that
finds its worker closing leaves as a process would (stopping.py), before the nanny's patience ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import dask
from distributed import Client, KilledWorker, LocalCluster, Nanny, Status, get_worker
from distributed import Future as Task
from distributed.comm.addressing import get_address_host_port

from robustgan import hosting, stopping
from robustgan.errors import InputError, RunError
from robustgan.execute import Backend, Job
from robustgan.execute.local import DEATHS
from robustgan.stage import Stage

PATIENCE = 30  # seconds in which a scheduler must answer
# For as long as workers of our own may be started anew: without `daemon` a worker may start processes, those of a
# training that several share.
SETTINGS = {"distributed.scheduler.allowed-failures": DEATHS - 1, "distributed.worker.daemon": False}
ENDING = (Status.closing, Status.closed, Status.failed)
NANNY = 0.8  # share of the time that a nanny is given to close, after which it kills its worker
GPU = "GPU"  # name of the resource: `dask worker --resources GPU=1`


class Cluster(Backend):
    """Workers of a dask scheduler; of one that starts here where no other is named."""

    def __init__(self, scheduler: str, workers: int) -> None:
        self.settings = ExitStack()
        if not scheduler:
            self.settings.enter_context(dask.config.set(SETTINGS))
        self.own = None if scheduler else _start(workers)
        self.client = _connect(self.own or scheduler)
        self.tasks: set[Task[Any]] = set()  # dask drops a task that nobody holds

    def capacity(self) -> int:
        """Workers that are there now; at least one, which a first task waits for.

        Raises:
            InputError: a worker would do several stages at once in one process, where their random numbers would mix.
        """
        workers = self._workers()
        several = [worker["id"] for worker in workers if worker["nthreads"] > 1]
        if several:
            raise InputError(f"the dask worker {several[0]} has several threads: start workers with --nthreads 1.")
        return max(1, len(workers))

    def submit(self, stage: Stage, job: Job) -> Future[object]:
        """Give a stage to the scheduler; one that works on a device goes where a GPU is free, if any worker has one."""
        gpus = any(worker["resources"].get(GPU) for worker in self._workers())
        wants = {GPU: 1} if gpus and stage.settings.get("device", "cpu") != "cpu" else None
        task = self.client.submit(partial(hosted, job), key=f"{stage.kind}-{stage.key}", pure=False, resources=wants)
        self.tasks.add(task)
        future: Future[object] = Future()
        task.add_done_callback(lambda over: self._settle(over, future))
        return future

    def close(self) -> None:
        """Give up what is still asked for; end the workers and then the scheduler where they were started here."""
        self.client.close()
        if self.own:
            self.own.sync(_part, self.own.workers.values())
            self.own.close()
        self.settings.close()

    def _workers(self) -> list[dict[str, Any]]:
        gone = "the dask scheduler is gone. What its workers still finish is kept; the same command goes on from here."
        try:
            found = self.client.scheduler_info()
        except (OSError, TimeoutError, RuntimeError) as error:
            raise RunError(gone) from error
        if self.client.status == "closed":  # it tried for PATIENCE seconds to connect again
            raise RunError(gone)
        return list(found.get("workers", {}).values())

    def _settle(self, task: Task[Any], future: Future[object]) -> None:
        """Pass on how a task ended."""
        self.tasks.discard(task)
        if task.status == "finished":
            future.set_result(None)
            return
        error = task.exception() if task.status == "error" else None
        if isinstance(error, KilledWorker):
            error = RunError(
                f"its worker died {error.allowed_failures + 1} times, last {error.last_worker.address}: something "
                "killed it, or memory ran out. Run again to try once more."
            )
        future.set_exception(error or RunError("the dask scheduler gave it up or is gone. Run again to go on."))


def hosted(job: Job) -> None:
    """Do a job in a worker, and end the worker's process with it where that is leaving."""
    worker = get_worker()
    if worker.nanny:  # it alone heeds signals, which may reach a whole group of processes
        deaf = threading.Event()
        worker.loop.add_callback(_deafen, deaf)
        deaf.wait()
    before = hosting.HOST.set(lambda: worker.status in ENDING)
    try:
        job()
    except stopping.Stopped as stop:
        os._exit(128 + stop.signum)  # the scheduler must not take it for a failure: another worker goes on
    finally:
        hosting.HOST.reset(before)


def _deafen(done: threading.Event) -> None:
    """Ignore signals: only the main thread, where a worker's loop runs, may say so."""
    for one in stopping.SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    done.set()


async def _part(nannies: Iterable[Nanny]) -> None:
    """Close workers of our own, with the time that a training has to reach a checkpoint; dask gives them less."""
    await asyncio.gather(*(nanny.close(timeout=stopping.PATIENCE / NANNY) for nanny in nannies))


def _start(workers: int) -> LocalCluster:
    """A scheduler and workers on this machine; with TLS, as whoever reaches a scheduler's port can run code."""
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0", security=True
    )


def _connect(to: LocalCluster | str) -> Client:
    """A connection to a scheduler; its certificates are in dask's own settings.

    Raises:
        InputError: nothing answers there.
    """
    where: dict[str, Any] = {"address": to}
    try:
        if isinstance(to, str) and Path(to).is_file():
            where = {"scheduler_file": to}
        elif isinstance(to, str):
            get_address_host_port(to)  # a client that is made with a wrong address hangs for a minute when it goes
        return Client(**where, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise InputError(
            f"--scheduler: no scheduler answers at {to} ({type(error).__name__}: {error}). Give the address that "
            "`dask scheduler` printed (tls://HOST:PORT) or its scheduler file, and for TLS name the certificates in "
            "dask's settings (docs/running.md)."
        ) from error
