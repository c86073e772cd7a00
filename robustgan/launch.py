"""Bring the processes of a training together: this one leads, and starts the others for as long as it takes.

The others run the same step on the same inputs, write into a folder that is thrown away, and end with the leader,
however it ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from robustgan.errors import InputError, MachineError
from robustgan.journal import silent
from robustgan.stopping import SIGNALS
from robustgan.team import Team

if TYPE_CHECKING:
    from robustgan.work import Work

Step = Callable[["Work"], None]

HERE = "127.0.0.1"
SETTLE = 0.2  # seconds in which gloo lets go of the last exchange: torch 2.6 may wait for that with Python locked


def together(step: Step, work: Work) -> None:
    """Do a training step with as many processes as its settings say (`processes`; without it, this one alone).

    Raises:
        InputError: accelerate is not installed, or there are fewer GPUs than processes.
        MachineError: a process of the team died, or none may be started here.
    """
    size = work.settings.get("processes", 1)
    if size == 1:
        return step(work)
    check(size, work.settings["device"])
    import torch

    port, threads = _free_port(), torch.get_num_threads()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="robustgan-") as scratch:
        others = []
        for rank in range(1, size):
            folder = Path(scratch) / str(rank)
            folder.mkdir()
            mine = replace(work, folder=folder, tick=silent, team=Team(rank, size))
            others.append(spawn.Process(target=_follow, args=(step, mine, port, threads), daemon=True))
        for other in others:
            other.start()
        try:
            with joined(Team(0, size), port, work.settings["device"]):
                step(replace(work, team=Team(0, size)))
        except RuntimeError as error:  # the exchange breaks off when a process is gone
            lost = [other for other in others if other.exitcode]
            if not lost:
                raise
            raise MachineError(f"{len(lost)} of {size} processes died while they trained together: {error}") from error
        finally:
            for other in others:
                other.kill()
                other.join()


def check(size: int, device: str) -> None:
    """Refuse a team that cannot meet.

    Raises:
        InputError: says what is missing.
        MachineError: this process is a worker that may not start others.
    """
    import importlib.util

    import torch

    if importlib.util.find_spec("accelerate") is None:
        raise InputError("processes: several need accelerate. Install it with: pip install 'robustgan[parallel]'")
    if multiprocessing.current_process().daemon:
        raise MachineError(
            f"processes: found {size}, and this worker may not start any. Start dask's workers again, after: "
            "export DASK_DISTRIBUTED__WORKER__DAEMON=False"
        )
    gpus = torch.cuda.device_count()
    if device != "cpu" and torch.cuda.is_available() and gpus < size:
        raise InputError(
            f"processes: found {size}, and torch sees {gpus} GPU{'s' if gpus > 1 else ''}: each process needs its own. "
            f"Set `processes: {gpus}`, or `device: cpu`."
        )


@contextmanager
def joined(team: Team, port: int, device: str) -> Iterator[None]:
    """Be one of the team: its processes can exchange tensors, and each has a GPU of its own where there are any."""
    import torch
    from accelerate import PartialState

    own = {"RANK": team.rank, "LOCAL_RANK": team.rank, "WORLD_SIZE": team.size, "LOCAL_WORLD_SIZE": team.size}
    address = {"MASTER_ADDR": HERE, "MASTER_PORT": port}
    threads = {"OMP_NUM_THREADS": torch.get_num_threads()}  # else accelerate sets as many as there are cores for each
    before = dict(os.environ)
    os.environ.update({name: str(value) for name, value in {**own, **address, **threads}.items()})
    try:
        PartialState(cpu=device == "cpu" or not torch.cuda.is_available())
        yield
    finally:
        time.sleep(SETTLE)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        PartialState._reset_state()
        os.environ.clear()
        os.environ.update(before)


def _follow(step: Step, work: Work, port: int, threads: int) -> None:
    """What a process that does not lead does; it ends with its leader, which alone heeds the signals."""
    from robustgan import repeatable

    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    repeatable.enforce(work.settings["device"], threads)
    with joined(work.team, port, work.settings["device"]):
        step(work)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port
