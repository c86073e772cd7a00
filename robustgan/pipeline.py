"""START HERE: what `robustgan run` does, in the order in which it happens.

`stages` (stages.py) says which steps (steps.py) a config needs and what each depends on (stage.py); `run` goes through
them and skips what is already there (execute/loop.py), in this process or in others. A cell can be cut into parts for
several workers (parts.py). Nothing here imports torch.

    manifest -> pixels -> split (a fold) -> classifier (a model and fold) -> inspected
             -> operating (a model) -> probed (a model and fold) -> generator (an attack that trains)
             -> attacked | transferred | forged (an attack, seed, model and fold) -> report
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from robustgan import lease, provenance, steps
from robustgan.doing import do
from robustgan.errors import RunError
from robustgan.execute import Manner
from robustgan.execute.loop import Loop, Outcome, Watch
from robustgan.experiment import Experiment
from robustgan.journal import silent
from robustgan.parts import scheduled
from robustgan.stage import Place, Stage
from robustgan.stages import policy_of

CELLS = ("attacked", "forged")  # stages whose tables a report is about


def run(
    plan: Experiment, place: Place, command: str, watch: Watch, manner: Manner | None = None
) -> tuple[Path, list[str]]:
    """Do what is not done yet, then write the report.

    A stage that fails is reported and takes with it only what depends on it.

    Returns:
        The report's folder, and one line for each stage that failed.

    Raises:
        RunError: no cell is done, so there is nothing to report; or a stage failed, and `manner` ends a run at the
            first that fails.
        InputError: a stage failed without which no other would mean anything, or the disk is full.
    """
    manner = manner or Manner()
    outcome = work(scheduled(plan, place, manner.parts), place, watch, manner)
    done = [stage for stage in outcome.done if stage.whole is None]  # a report knows cells, never parts
    failed = [(stage, why) for stage, why in outcome.failed if stage.whole is None]
    if not any(stage.kind in CELLS for stage in done):
        raise RunError(f"no cell is done, so there is nothing to report. {failed[0][0].name}: {failed[0][1]}.")
    final = closing(plan, done, failed, provenance.portable(command))
    build(final, place, watch)
    folders = [brought(stage, place, watch, light=stage is not final) for stage in (*done, final)]
    return publish(plan, folders, place, command), [f"{stage.name}: {why}" for stage, why in failed]


def work(todo: Sequence[Stage], place: Place, watch: Watch, manner: Manner) -> Outcome:
    """Make the folders of some stages, wherever `manner` has it done."""
    backend = manner.backend
    try:
        if place.depot is not None:
            place.depot.open()
        return Loop(todo, place, manner, watch).run(
            lambda stage: partial(build_apart, stage, place) if backend.apart else partial(build, stage, place, watch)
        )
    finally:
        backend.close()


def build_apart(stage: Stage, place: Place) -> None:
    """Make a stage's folder in a worker process, which shows nothing: its lease says how far it is.

    Raises:
        RunError: the code of robustgan here is not the code that the run was planned with.
    """
    if stage.afresh().key != stage.key:
        raise RunError(
            f"the worker on {platform.node()} has other code of robustgan (or of a plug-in) than the run that asked. "
            "Install the same there."
        )
    build(stage, place, lambda stage, cached: silent)


def build(stage: Stage, place: Place, watch: Watch) -> Path:
    """Make a stage's folder, unless it is there."""
    kept = place.has(stage)
    tick = watch(stage, kept)
    if not kept:
        for need in stage.takes.values():
            brought(need, place, watch, light=stage.kind == "report")
        if stage.takes is stage.needs or not place.has(stage):  # who joined it meanwhile may have left no part here
            do(stage, place, tick)
    return place.keep(stage)


def brought(stage: Stage, place: Place, watch: Watch, light: bool) -> Path:
    """The folder of a finished stage on this disk; where its copy in the depot is damaged it is made again."""
    return place.bring(stage, light) or build(stage, place, watch)


def closing(plan: Experiment, done: list[Stage], failed: list[tuple[Stage, str]], command: str) -> Stage:
    """The report, which needs everything that was done."""
    failures = [{"stage": stage.name, "reason": why} for stage, why in failed]
    settings = {
        "config": plan.settings(),
        "changed": [attack.model_dump(mode="json", exclude_defaults=True) for attack in plan.attacks],
        "citation": plan.dataset.source,
        "command": command,
        "failures": failures,
        "policy": policy_of(plan),
    }
    return Stage(steps.report, "report", settings, {f"{i:04d}": stage for i, stage in enumerate(done)})


def publish(plan: Experiment, folders: list[Path], place: Place, command: str) -> Path:
    """Put the report, the last of the folders, where people look for it, replacing the one before in one move.

    One run at a time does so.
    """
    target = place.out / "reports" / plan.name
    fresh, old = target.with_name(f".{plan.name}.new"), target.with_name(f".{plan.name}.old")
    with lease.held(place.out / "runs" / ".leases" / f"publish-{plan.name}.json", lambda: False):
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copytree(folders[-1], fresh)
        provenance.write(fresh / "run.json", folders, plan.settings(), command)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        if place.depot is not None:
            place.depot.publish(target)
    return target
