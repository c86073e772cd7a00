"""`robustgan run`, and what the commands share that run an experiment: show the progress, say what failed."""

from __future__ import annotations

import json
import math
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from robustgan.cli_shards import carry_out_array, carry_out_shard, profiled, regret
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
    examples,
    folders_told,
    out,
    place_of,
    read_plan,
    threads_told,
)

if TYPE_CHECKING:
    from robustgan.execute import Manner
    from robustgan.experiment import Experiment
    from robustgan.stage import Place

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
        Literal["local", "here", "dask", "slurm"],
        typer.Option(
            help="Where cells run: in worker processes, in this process (for a debugger), on dask, on SLURM.",
            rich_help_panel=SPREAD,
        ),
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
        limits += [f"--image-shards={parts}"] * (parts > 1) + ["--profile"] * profile
        crew = carry_out_array(plan, place, [*words[1:], *limits], workers, scheduler)
    else:
        crew = choose(backend, workers, scheduler)
    manner = Manner(crew, fail_fast, max_hours, parts)
    if shard:
        carry_out_shard(plan, place, manner, _shard(shard), as_json)
    else:
        command = shlex.join([*words, *folders_told(data, out_dir), *threads_told(threads)])
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
    regret(failures)
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
    slowest = profiling.slowest(folder)
    if as_json:
        said = {"report": str(folder), "failures": failures, "slowest": slowest._asdict()}
        out.print(json.dumps(said), markup=False, highlight=False)
    else:
        out.print(str(slowest), markup=False, highlight=False)
        out.print(f"Report: {folder / 'report.html'}", markup=False, highlight=False)
        if place.depot is not None:
            out.print(f"Kept: {place.depot.report(plan.name)}", markup=False, highlight=False)
    profiled(place, todo)
    return folder, failures


def _shard(text: str) -> tuple[int, int]:
    """Read `i/n`.

    Raises:
        InputError: it is something else.
    """
    i, _, n = text.partition("/")
    if not (i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
        raise InputError(f"--shard: found {text}, expected i/n with i from 1 to n, such as 1/4.")
    return int(i), int(n)
