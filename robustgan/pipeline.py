"""START HERE: what `robustgan run` does, in the order in which it happens.

`stages` (stages.py) says which steps (steps.py) a config needs and what each depends on; `run` goes through them and
skips what is already there. Nothing here imports torch.

    manifest -> pixels -> split (a fold) -> classifier (a model and fold) -> inspected
             -> operating (a model) -> probed (a model and fold) -> generator (an attack that trains)
             -> attacked | transferred | forged (an attack, seed, model and fold) -> report
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robustgan import provenance, steps
from robustgan.errors import FullDiskError, InputError, PlaceError, RunError
from robustgan.experiment import Experiment
from robustgan.journal import Tick
from robustgan.stages import Place, Stage, policy_of, stages
from robustgan.store import cached

BASE = (
    "manifest",
    "pixels",
    "split",
    "classifier",
    "inspected",
)  # where these fail, nothing that follows would mean anything
ROOM = 2**20  # bytes: a disk with less is full, for whoever just failed to write to it


Watch = Callable[[Stage, bool], Tick]  # told of each stage and whether it is there already; gives its progress a place


def run(plan: Experiment, place: Place, command: str, watch: Watch) -> tuple[Path, list[str]]:
    """Do what is not done yet, then write the report.

    A stage that fails is reported and takes with it only what depends on it.

    Returns:
        The report's folder, and one line for each stage that failed.
    """
    failed: dict[str, str] = {}
    done: dict[str, Stage] = {}
    for stage in stages(plan, place):
        lost = [need.name for need in stage.needs.values() if need.key not in done]
        if lost:
            failed[stage.name] = f"not run: it needs `{lost[0]}`, which failed"
            continue
        try:
            build(stage, place, watch)
            done[stage.key] = stage
        except RunError as error:
            failed[stage.name] = str(error)
        except InputError as error:  # a setting that only the data show to be wrong takes no other cell with it
            if stage.kind in BASE or isinstance(error, PlaceError):
                raise
            failed[stage.name] = str(error)
    final = closing(plan, list(done.values()), failed, command)
    build(final, place, watch)
    folders = [brought(stage, place, watch, light=stage is not final) for stage in (*done.values(), final)]
    return publish(plan, folders, place), [f"{name}: {why}" for name, why in failed.items()]


def build(stage: Stage, place: Place, watch: Watch) -> Path:
    """Make a stage's folder, unless it is there."""
    kept = place.has(stage)
    tick = watch(stage, kept)
    if kept:
        return place.keep(stage)
    light = stage.kind == "report"
    inputs = {name: brought(need, place, watch, light) for name, need in stage.needs.items()}

    def make(folder: Path) -> dict[str, Any]:
        start = time.perf_counter()
        if "device" in stage.settings:  # the step works with torch
            from robustgan import repeatable

            repeatable.enforce(stage.settings["device"])
        stage.step(steps.Work(stage.settings, inputs, folder, place.data, tick))
        record = {"stage": stage.kind, "name": stage.name, "key": stage.key, "settings": stage.settings}
        keys = {name: need.key for name, need in stage.needs.items()}
        cost = {"seconds": round(time.perf_counter() - start, 3), "peak_mib": provenance.peak_memory()}
        return {**record, "inputs": keys, **provenance.machine(), **cost}

    try:
        cached(place.out / "runs", stage.kind, stage.key, make)
    except Exception as error:
        check_room(place.out, stage.name, error)
        raise
    return place.keep(stage)


def brought(stage: Stage, place: Place, watch: Watch, light: bool) -> Path:
    """The folder of a finished stage on this disk; where its copy in the depot is damaged it is made again."""
    return place.bring(stage, light) or build(stage, place, watch)


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


def closing(plan: Experiment, done: list[Stage], failed: dict[str, str], command: str) -> Stage:
    """The report, which needs everything that was done."""
    failures = [{"stage": name, "reason": why} for name, why in failed.items()]
    settings = {
        "config": plan.settings(),
        "changed": [attack.model_dump(mode="json", exclude_defaults=True) for attack in plan.attacks],
        "citation": plan.dataset.source,
        "command": command,
        "failures": failures,
        "policy": policy_of(plan),
    }
    return Stage(steps.report, "report", settings, {f"{i:04d}": stage for i, stage in enumerate(done)})


def publish(plan: Experiment, folders: list[Path], place: Place) -> Path:
    """Put the report, the last of the folders, where people look for it, replacing the one before in one move."""
    target = place.out / "reports" / plan.name
    fresh, old = target.with_name(f".{plan.name}.new"), target.with_name(f".{plan.name}.old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(folders[-1], fresh)
    provenance.write(fresh / "run.json", folders, plan.settings())
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    if place.depot is not None:
        place.depot.publish(target)
    return target
