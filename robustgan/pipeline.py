"""START HERE: what `robustgan run` does, in the order in which it happens.

`stages` (stages.py) says which steps (steps.py) a config needs and what each depends on; `run` goes through them and
skips what is already there. Nothing here imports torch.

    manifest -> pixels -> split (a fold) -> classifier (a model and fold) -> inspected
             -> operating (a model) -> probed (a model and fold) -> generator (an attack that trains)
             -> attacked | transferred | forged (an attack, seed, model and fold) -> report
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from robustgan import provenance, steps
from robustgan.doing import do
from robustgan.errors import InputError, MachineError, RunError
from robustgan.experiment import Experiment
from robustgan.journal import Tick
from robustgan.stages import Place, Stage, policy_of, stages

BASE = (
    "manifest",
    "pixels",
    "split",
    "classifier",
    "inspected",
)  # where these fail, nothing that follows would mean anything

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
            if stage.kind in BASE or isinstance(error, MachineError):
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
    if not kept:
        for need in stage.needs.values():
            brought(need, place, watch, light=stage.kind == "report")
        do(stage, place, tick)
    return place.keep(stage)


def brought(stage: Stage, place: Place, watch: Watch, light: bool) -> Path:
    """The folder of a finished stage on this disk; where its copy in the depot is damaged it is made again."""
    return place.bring(stage, light) or build(stage, place, watch)


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
