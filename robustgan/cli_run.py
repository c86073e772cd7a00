"""`robustgan run`, and what the commands share that run an experiment: show the progress, say what failed."""

from __future__ import annotations

import json
import math
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from robustgan.errors import InputError
from robustgan.terminal import (
    FAULTS,
    FOLDERS,
    NOTES,
    SCRATCH,
    SPREAD,
    AsJson,
    Data,
    Retry,
    Scratch,
    Settings,
    err,
    examples,
    folders_told,
    out,
    place_of,
    read_plan,
)

if TYPE_CHECKING:
    from robustgan.execute import Backend, Manner
    from robustgan.experiment import Experiment
    from robustgan.stages import Place

EXAMPLES = examples(
    "robustgan run quickstart",
    "robustgan run my.yaml --set seed=1 --out /data/x",
    "robustgan run my.yaml --workers 4",
    "robustgan run my.yaml --workers 8 --image-shards 8",
    "robustgan run my.yaml --backend dask --scheduler tls://node1:8786",
)
THREADS = (
    "Threads of torch in each process on a CPU. Results on one and on more threads differ in their last bits, so every "
    "backend uses the same number, whatever the machine."
)
PARTS = (
    "Cut the test images of each attack cell into so many parts, which --workers and --shard share out; joined they "
    "are the same bytes. For few large cells and many workers. Images from scratch (dcgan) and probes stay whole."
)
PROFILE = "Write `profile.csv` under --out: seconds of every stage, and of torch's kernels in those that are done now."

Config = Annotated[str, typer.Argument(help="A config file, or the name of one that comes with robustgan.")]
Board = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard", help="Folder that gets TensorBoard event files of every training.", rich_help_panel=NOTES
    ),
]
Out = Annotated[
    str, typer.Option("--out", help="Folder or URL that gets `runs/` and `reports/`.", rich_help_panel=FOLDERS)
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        min=0,
        help="Cells at a time; 0: as many as cores. Of slurm: jobs of the array.",
        rich_help_panel=SPREAD,
    ),
]
Parts = Annotated[int, typer.Option("--image-shards", min=1, help=PARTS, rich_help_panel=SPREAD)]
Threads = Annotated[
    int, typer.Option("--threads", min=1, envvar="OMP_NUM_THREADS", help=THREADS, rich_help_panel=SPREAD)
]


def run(
    config: Config,
    sets: Settings = None,
    out_dir: Out = ".",
    data: Data = ".",
    scratch: Scratch = SCRATCH,
    as_json: AsJson = False,
    board: Board = None,
    workers: Workers = 1,
    backend: Annotated[
        Literal["local", "dask", "slurm"],
        typer.Option(help="Where cells run: processes here, dask, or SLURM.", rich_help_panel=SPREAD),
    ] = "local",
    scheduler: Annotated[
        str,
        typer.Option(
            help="Of dask: its address or scheduler file (else one starts here). Of SLURM: YAML of a job.",
            rich_help_panel=SPREAD,
        ),
    ] = "",
    threads: Threads = 1,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first cell that fails.", rich_help_panel=FAULTS)
    ] = False,
    max_hours: Annotated[
        float, typer.Option(help="Begin nothing new after so many hours.", min=0, rich_help_panel=FAULTS)
    ] = math.inf,
    retry_failed: Retry = False,
    shard: Annotated[
        str,
        typer.Option(help="i/n: only every n-th cell from the i-th on, and what they need.", rich_help_panel=SPREAD),
    ] = "",
    parts: Parts = 1,
    profile: Annotated[bool, typer.Option("--profile", help=PROFILE, rich_help_panel=NOTES)] = False,
) -> None:
    """Train, attack, judge, report. The same command again resumes, and redoes nothing that is done."""
    from robustgan.execute import Manner, choose

    words = ["robustgan", "run", config, *(part for s in sets or [] for part in ("--set", s))]
    plan = read_plan(config, sets)
    place = replace(place_of(plan, out_dir, data, scratch, threads), profile=profile)
    if retry_failed:
        try_again(plan, place)
    if backend == "slurm" and place.depot is not None:
        raise InputError("--out: the jobs of --backend slurm share a folder, found a URL. Name a folder that all see.")
    if backend == "slurm" and not workers:
        raise InputError("--workers: found 0; say into how many jobs --backend slurm should split the run.")
    if backend == "slurm" and shard:
        raise InputError("--shard: --backend slurm makes the shards itself; leave one of the two out.")
    if backend == "slurm":
        limits = ["--fail-fast"] * fail_fast + [f"--max-hours={max_hours}"] * math.isfinite(max_hours)
        limits += [f"--image-shards={parts}"] * (parts > 1)
        crew = carry_out_array(plan, place, [*words[1:], *limits], workers, scheduler)
    else:
        crew = choose(backend, workers, scheduler)
    manner = Manner(crew, fail_fast, max_hours, parts)
    if shard:
        carry_out_shard(plan, place, manner, _shard(shard), as_json)
    else:
        command = shlex.join([*words, *folders_told(data, out_dir)])
        carry_out(plan, place, command, as_json, board, manner)


def try_again(plan: Experiment, place: Place) -> None:
    """Forget what failed in earlier runs of an experiment, so that it is tried again."""
    from robustgan.parts import forget
    from robustgan.stages import stages

    for stage in stages(plan, place):
        forget(place, stage)


def carry_out(
    plan: Experiment,
    place: Place,
    command: str,
    as_json: bool,
    board: Path | None = None,
    manner: Manner | None = None,
) -> Path:
    """Run an experiment and return the folder of its report.

    Raises:
        typer.Exit: with 3, where a stage failed; the report is there and says so.
    """
    folder, failures = carried(plan, place, command, as_json, board, manner)
    _regret(failures)
    return folder


def carried(
    plan: Experiment,
    place: Place,
    command: str,
    as_json: bool,
    board: Path | None = None,
    manner: Manner | None = None,
) -> tuple[Path, list[str]]:
    """Run an experiment; the folder of its report, and a line for each stage that failed."""
    from robustgan import pipeline, profiling
    from robustgan.console import view
    from robustgan.parts import scheduled
    from robustgan.tensorboard import mirrored

    todo = scheduled(plan, place, manner.parts if manner else 1)
    with view(out, len(todo) + 1, place, as_json) as shown, mirrored(board, place, shown) as watch:
        folder, failures = pipeline.run(plan, place, command, watch, manner)
    if as_json:
        out.print(json.dumps({"report": str(folder), "failures": failures}), markup=False, highlight=False)
    else:
        out.print(profiling.slowest(folder), markup=False, highlight=False)
        out.print(f"Report: {folder / 'report.html'}", markup=False, highlight=False)
        if place.depot is not None:
            out.print(f"Kept: {place.depot.report(plan.name)}", markup=False, highlight=False)
    if place.profile:
        err.print(f"Profile: {profiling.write(place, todo)}", markup=False, highlight=False)
    return folder, failures


def carry_out_shard(plan: Experiment, place: Place, manner: Manner, part: tuple[int, int], as_json: bool) -> None:
    """Do one shard's cells, and join those in parts of which no other shard has one to do.

    The report waits until the cells of all shards are there.

    Raises:
        typer.Exit: with 3, where a stage failed.
    """
    from robustgan import pipeline
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
    left = sum(not place.has(stage) for stage in everything)
    said = f"Shard {part[0]}/{part[1]}: {len(mine) - len(failed)} of its {len(mine)} stages are there."
    if left:
        said += f" No report yet: {left} of {len(everything)} stages of the run are missing. When all shards are over, "
    else:
        said += " So are all other stages: "
    said += "the same command without --shard makes the report."
    if as_json:
        said = json.dumps({"shard": list(part), "stages": len(mine), "failures": len(failed), "left": left})
    out.print(said, markup=False, highlight=False)
    _regret([f"{stage.name}: {why}" for stage, why in failed])


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


def lament(failures: list[str]) -> None:
    """Say what failed, and how it is tried again."""
    for failure in failures:
        err.print(f"FAILED {failure}", markup=False, highlight=False)
    if failures:
        err.print("What failed is tried again by the same command with --retry-failed.", highlight=False)


def _regret(failures: list[str]) -> None:
    lament(failures)
    if failures:
        raise typer.Exit(3)


def _shard(text: str) -> tuple[int, int]:
    """Read `i/n`.

    Raises:
        InputError: it is something else.
    """
    i, _, n = text.partition("/")
    if not (i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise InputError(f"--shard: found {text}, expected i/n with i from 1 to n, such as 1/4.")
    return int(i), int(n)
