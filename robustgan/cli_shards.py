"""A run in shards: `robustgan run --shard i/n` does one, `--backend slurm` has SLURM do all; and how a run ends."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from robustgan.terminal import err, out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robustgan.execute import Backend, Manner
    from robustgan.experiment import Experiment
    from robustgan.stage import Place, Stage


def carry_out_shard(plan: Experiment, place: Place, manner: Manner, part: tuple[int, int], as_json: bool) -> None:
    """Do one shard's cells, and join those in parts of which no other shard has one to do.

    The report waits until the cells of all shards are there.

    Raises:
        typer.Exit: with 3, where a stage failed.
    """
    from robustgan import pipeline, profiling
    from robustgan.console import view
    from robustgan.execute import Manner
    from robustgan.execute.loop import joinable, shard_of
    from robustgan.parts import cut
    from robustgan.stages import stages

    everything = list(cut(stages(plan, place), manner.parts))  # whatever is there: all shards must share out the same
    mine = shard_of(everything, *part)
    with view(out, len(mine), place, as_json) as watch:
        _, failed = pipeline.work(mine, place, watch, manner)
        failed += pipeline.work(joinable(everything, mine, place), place, watch, Manner()).failed
    counts = {"stages": len(mine), "failures": len(failed), "left": sum(not place.has(stage) for stage in everything)}
    slowest = profiling.slowest_of(place, mine)
    if as_json:
        said = json.dumps({"shard": list(part), **counts, "slowest": slowest and slowest._asdict()})
    else:
        said = "\n".join([*([str(slowest)] if slowest else []), _said(part, counts, len(everything))])
    out.print(said, markup=False, highlight=False)
    profiled(place, everything)
    regret([f"{stage.name}: {why}" for stage, why in failed])


def _said(part: tuple[int, int], counts: dict[str, Any], total: int) -> str:
    """What a shard has done, and what is to be done now."""
    there = counts["stages"] - counts["failures"]
    said = f"Shard {part[0]}/{part[1]}: {there} of its {counts['stages']} stages are there."
    if counts["left"]:
        said += f" No report yet: {counts['left']} of {total} stages of the run are missing. When all shards are over, "
    else:
        said += " So are all other stages: "
    return said + "the same command without --shard makes the report."


def carry_out_array(plan: Experiment, place: Place, words: list[str], shards: int, parameters: str) -> Backend:
    """Have SLURM do what is not there yet, a shard a job, and wait; the backend that then collects it."""
    from robustgan.console import bar
    from robustgan.execute import need
    from robustgan.stages import stages

    need("slurm", "submitit")
    from robustgan.execute import slurm

    logs = place.out / "runs" / ".slurm"
    if not all(place.folder(stage).exists() for stage in stages(plan, place)):
        where = ["--out", str(place.out), "--data", str(place.data), "--threads", str(place.threads)]
        command = [sys.executable, "-m", "robustgan", *words, *where]
        jobs = slurm.array(slurm.executor(logs, parameters), command, shards)
        err.print(
            f"Submitted {len(jobs)} jobs, {jobs[0].job_id} and on; they need this command no more.", highlight=False
        )
        with bar(err, "SLURM") as tick:
            for line in slurm.finish(jobs, tick):
                err.print(f"FAILED {line}", markup=False, highlight=False)
    return slurm.Collected(place, logs)


def profiled(place: Place, todo: Sequence[Stage]) -> None:
    """Write the table that --profile asks for, of what is there by now."""
    from robustgan import profiling

    if place.profile:
        err.print(f"Profile: {profiling.write(place, todo)}", markup=False, highlight=False)


def lament(failures: list[str]) -> None:
    """Say what failed, and how it is tried again."""
    for failure in failures:
        err.print(f"FAILED {failure}", markup=False, highlight=False)
    if failures:
        err.print("What failed is tried again by the same command with --retry-failed.", highlight=False)


def regret(failures: list[str]) -> None:
    """Say what failed, and leave with 3 if something did."""
    lament(failures)
    if failures:
        raise typer.Exit(3)
