"""What surrounds the work of one stage: its lease, its record, and what becomes of it when something goes wrong.

`do` is what a worker calls, in whatever process on whatever machine.
"""

from __future__ import annotations

import json
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

from robustgan import lease, memory, provenance, steps, store
from robustgan.errors import FullDiskError, InputError, MachineError, MemoryShortError, RunError
from robustgan.hosting import heeded
from robustgan.journal import Journal, Tick
from robustgan.parts import Joined, failure, summed
from robustgan.profiling import kernels, kernels_of
from robustgan.stage import Place, Stage
from robustgan.work import Work

ROOM = 2**20  # bytes: a disk with less is full, for whoever just failed to write to it
TRAININGS = (steps.classifier, steps.generator)  # steps that keep checkpoints


def do(stage: Stage, place: Place, tick: Tick) -> Path:
    """Make a stage's folder, unless it is there.

    Raises:
        RunError, InputError: it cannot be made, or could not be in an earlier run and would fail again.
    """
    try:
        return store.cached(place.out / "runs", stage.kind, stage.key, partial(fill, stage, place, tick), tidy)
    except Exception as error:
        check_room(place.out, stage.name, error)
        if memory.short(error) and not isinstance(error, MemoryShortError):
            found = MemoryShortError(f"{stage.name}: out of memory ({error}). {memory.ADVICE}")
            remember(stage, place, found)
            raise found from error
        remember(stage, place, error)
        raise


def fill(stage: Stage, place: Place, tick: Tick, folder: Path, tell: Tick) -> dict[str, Any]:
    """Do a stage's step in a folder; return what `run.json` says of it."""
    if not isinstance(stage, Joined):  # its parts are there: why some failed before does not matter any more
        refuse(stage, place)
    start = time.perf_counter()
    if "device" in stage.settings:  # the step works with torch
        from robustgan import repeatable

        repeatable.enforce(stage.settings["device"], place.threads)

    def both(done: int, total: int, text: str) -> None:
        tell(done, total, text)
        tick(done, total, text)
        look()
        if not stop.patient:  # in a thread nothing interrupts it
            stop.leave()

    inputs = {name: place.near(need) for name, need in stage.takes.items()}
    notes = None if isinstance(stage, Joined) else kernels_of(place, stage)
    with heeded(patient=stage.step in TRAININGS) as stop, kernels(notes) as look:
        stage.do(Work(stage.settings, inputs, folder, place.data, both, stop))
    record = {"stage": stage.kind, "name": stage.name, "key": stage.key, "settings": stage.settings}
    keys = {name: need.key for name, need in stage.needs.items()}
    cost = {"seconds": round(time.perf_counter() - start, 3), "peak_mib": provenance.peak_memory()}
    if isinstance(stage, Joined):
        parts = [json.loads((path / "run.json").read_text("utf-8")) for path in inputs.values()]
        return {**record, "inputs": keys, **summed(parts, cost)}
    return {**record, "inputs": keys, **provenance.machine(), **cost}


def tidy(folder: Path) -> None:
    """Remove what only a training under way needs."""
    Journal(folder).close()


def refuse(stage: Stage, place: Place) -> None:
    """Do not try again what failed before for a reason that would come again.

    Raises:
        RunError, InputError: what it was, in the same words.
    """
    known = failure(place, stage)
    if known:
        kinds = {"InputError": InputError, "MemoryShortError": MemoryShortError}
        raise kinds.get(known["error"], RunError)(known["reason"])


def remember(stage: Stage, place: Place, error: Exception) -> None:
    """Write down a failure that would come again: not one of the machine, and not one that is a fault in the code."""
    runs = place.out / "runs"
    if isinstance(error, MachineError) or not isinstance(error, RunError | InputError):
        return
    if store.failure(runs, stage.kind, stage.key):
        return
    kind = "oom" if isinstance(error, MemoryShortError) else "failed"
    who = lease.identity()
    record = {"stage": stage.kind, "name": stage.name, "key": stage.key, "reason": str(error), "kind": kind}
    where = {"host": who["host"], "pid": who["pid"], "at": time.time()}
    store.record_failure(runs, {**record, "error": type(error).__name__, **where})


def check_room(out: Path, name: str, error: Exception) -> None:
    """Find out whether a stage failed because the disk is full: libraries that write say so in many ways.

    Raises:
        FullDiskError: it is.
    """
    there = next(path for path in (out, *out.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < ROOM:
        raise FullDiskError(
            f"{out}: the disk is full ({free:,} bytes left), in `{name}`. Nothing finished is lost: make room, or "
            "choose another --out, and run again."
        ) from error
