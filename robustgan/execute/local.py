"""Worker processes on this machine: each does one job at a time, and can die without taking anything else along."""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection

from robustgan.errors import RunError
from robustgan.execute import Backend, Job
from robustgan.stage import Stage
from robustgan.stopping import Stopped

DEATHS = 3  # of its worker, that a job survives: fewer would blame it for what happened to the machine
PATIENCE = 10.0  # seconds that a worker has to leave


class Worker:
    """A process of its own, spawned: it shares nothing with this one."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs,), name="robustgan worker")
        self.process.start()
        theirs.close()  # so that its death is the end of the file here

    def do(self, job: Job) -> None:
        """Have a job done.

        Raises:
            EOFError: the process died.
        """
        try:
            self.pipe.send(job)
            error = self.pipe.recv()
        except OSError as broken:
            raise EOFError(str(broken)) from broken
        if error is not None:
            raise error

    def bury(self) -> None:
        """Wait for the end of a process that was asked to leave or died; end it by force where it stays."""
        self.process.join(PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.pipe.close()


class Local(Backend):
    """Some worker processes on this machine."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.threads = ThreadPoolExecutor(workers, "robustgan worker")
        self.idle: list[Worker] = []
        self.busy: set[Worker] = set()
        self.lock = threading.Lock()
        self.closed = False

    def capacity(self) -> int:
        """As many as there are workers."""
        return self.workers

    def submit(self, stage: Stage, job: Job) -> Future[object]:
        """Have a worker do the job; where the worker dies, another tries."""
        return self.threads.submit(self._do, job)

    def close(self) -> None:
        """Stop all workers, and wait until they are gone."""
        with self.lock:
            self.closed = True
            idle, busy = list(self.idle), list(self.busy)
        for worker in idle:
            worker.pipe.close()  # there are no more jobs: it ends by itself
        for worker in busy:
            worker.process.terminate()
        for worker in (*idle, *busy):
            worker.bury()
        self.threads.shutdown(cancel_futures=True)

    def _do(self, job: Job) -> None:
        for _ in range(DEATHS):
            worker = self._hire()
            try:
                worker.do(job)
            except EOFError:
                self._dismiss(worker)
                code = worker.process.exitcode
                continue
            except BaseException:
                self._release(worker)
                raise
            self._release(worker)
            return
        how = f"signal {-code}" if code and code < 0 else f"exit code {code}"
        raise RunError(
            f"its worker process died {DEATHS} times, last by {how}: something killed it, or memory ran out. Run again "
            "to try once more, with fewer --workers where memory is short."
        )

    def _hire(self) -> Worker:
        with self.lock:
            if self.closed:
                raise CancelledError
            worker = self.idle.pop() if self.idle else Worker()
            self.busy.add(worker)
        return worker

    def _release(self, worker: Worker) -> None:
        with self.lock:
            self.busy.discard(worker)
            self.idle.append(worker)

    def _dismiss(self, worker: Worker) -> None:
        with self.lock:
            if self.closed:
                raise CancelledError
            self.busy.discard(worker)
        worker.bury()


def serve(pipe: Connection) -> None:
    """What a worker process does: one job after the other, until the run that began it is over."""
    os.setpgrp()  # Ctrl-C reaches a whole group of processes: the run stops its workers itself, once
    threading.Thread(target=_follow, daemon=True).start()
    while True:
        try:
            sent = pipe.recv_bytes()
        except EOFError:
            return
        try:
            job: Job = pickle.loads(sent)  # noqa: S301 (the run that began this process sent it)
            job()
            pipe.send(None)
        except Stopped as stop:
            os._exit(128 + stop.signum)  # all is given back; what Python tidies up after that takes seconds
        except Exception as error:
            pipe.send(_portable(error))


def _follow() -> None:
    """Die with the run: a worker that nobody waits for would go on in secret."""
    parent = parent_process()
    if parent:
        parent.join()
    os._exit(1)


def _portable(error: Exception) -> Exception:
    """An error that can travel, with its traceback as a note."""
    text = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (made in the line itself)
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(f"In a worker process:\n{text}")
    return error
