"""`robustgan status`: what of a run is done, who does what now, what failed, how long it will take."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import typer

from robustgan import stable
from robustgan.terminal import SCRATCH, AsJson, Data, Scratch, Settings, examples, out, place_of, read_plan

EXAMPLES = examples(
    "robustgan status quickstart",
    "robustgan status audit.yaml --out out --watch",
)
EVERY = 2.0  # seconds between two looks
QUIET = 30.0  # seconds without a beat that are worth a word
WORDS = {"oom": "out of memory"}


def status(
    config: Annotated[str, typer.Argument(help="The config of the run: a file, or the name of one that comes along.")],
    sets: Settings = None,
    out_dir: Annotated[str, typer.Option("--out", help="Folder or URL with the run's `runs/` and `reports/`.")] = ".",
    data: Data = ".",
    scratch: Scratch = SCRATCH,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again until nothing is left to do; the data set is read once.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far a run is, from its folder alone. Exit code 0: complete, report included; 3: not. Needs no torch."""
    from robustgan.progress import OVER, survey
    from robustgan.stages import stages

    plan = read_plan(config, sets)
    place = place_of(plan, out_dir, data, scratch)
    todo = stages(plan, place)
    while True:
        found = survey(plan, todo, place)
        if watch and out.is_terminal and not as_json:
            out.clear()
        if as_json:
            out.print(json.dumps({"schema_version": stable.STATUS, **found}), markup=False, highlight=False)
        else:
            for line in lines(found):
                out.print(line, markup=False, highlight=False)
        if not watch or found["complete"] or all(row["state"] in OVER for row in found["stages"]):
            raise typer.Exit(0 if found["complete"] else 3)
        time.sleep(EVERY)


def lines(found: dict[str, Any]) -> Iterator[str]:
    """A line for each stage that is not simply done or pending, then the sums."""
    for row in found["stages"]:
        if row["state"] == "running":
            yield f"running  {row['name']}: {_running(row)}"
        elif "reason" in row:
            yield f"{WORDS.get(row['state'], row['state'])}  {row['name']}: {row['reason']}"
    counts = ", ".join(f"{count} {WORDS.get(state, state)}" for state, count in found["counts"].items() if count)
    yield f"{found['name']}: {counts}; the report is {'written' if found['report'] else 'not written'}."
    if found["counts"]["pending"] + found["counts"]["running"]:
        yield _left(found["seconds_left"], found["stages_of_unknown_length"])


def _running(row: dict[str, Any]) -> str:
    far = f"{row['done']}/{row['total']} {row['what']}, " if row["total"] else ""
    beat = row["beat_seconds_ago"]
    quiet = f", silent for {beat:.0f} s" if beat > QUIET else f", beat {max(0.0, beat):.0f} s ago"
    return f"{far}{_time(row['seconds'])} so far, process {row['pid']} on {row['host']}{quiet}"


def _left(seconds: float, unknown: int) -> str:
    if not unknown:
        return f"About {_time(seconds)} left."
    return f"About {_time(seconds)} left, and what {unknown} stages take of a kind of which none is done."


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
