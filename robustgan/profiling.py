"""Where the time of a run went: seconds of each stage, and what torch did in them, kernel by kernel.

Nothing of this is part of a key or of a report: it lies beside `runs/` and `reports/`.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

    from robustgan.stage import Place, Stage

WINDOW = 20.0  # seconds of a stage that are profiled, from its start: what is noted of each call takes memory
TOP = 15  # kernels of a stage that are kept, those with most time of their own
COLUMNS = ("stage", "name", "seconds", "kernel", "calls", "cpu_ms", "gpu_ms")


@contextmanager
def kernels(path: Path | None) -> Iterator[Callable[[], None]]:
    """Write what torch does meanwhile to a JSON file; nothing without one. It gives what every tick has to call."""
    if path is None:
        yield lambda: None
        return
    import torch
    from torch.profiler import ProfilerActivity, profile

    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    profiler, start, running = profile(activities=kinds, acc_events=True), time.monotonic(), True
    profiler.start()

    def look() -> None:
        nonlocal running
        if running and time.monotonic() - start > WINDOW:
            running = False
            profiler.stop()

    try:
        yield look
    finally:
        if running:
            profiler.stop()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_rows(profiler)), "utf-8")


def _rows(profiler: torch.profiler.profile) -> list[dict[str, Any]]:
    """The kernels with most time of their own."""
    found = profiler.key_averages()
    found.sort(key=lambda event: -(event.self_cpu_time_total + event.self_device_time_total))
    return [
        {
            "kernel": event.key,
            "calls": event.count,
            "cpu_ms": round(event.self_cpu_time_total / 1000, 3),
            "gpu_ms": round(event.self_device_time_total / 1000, 3),
        }
        for event in found[:TOP]
    ]


def kernels_of(place: Place, stage: Stage) -> Path | None:
    """Where the kernels of a stage are written; None where nobody asked, or it does not work with torch."""
    if not place.profile or "device" not in stage.settings:
        return None
    return place.out / "profile" / f"{stage.kind}-{stage.key}.json"


def write(place: Place, todo: Sequence[Stage]) -> Path:
    """One table of the stages that are there, slowest first: a row a stage, and under it one a kernel."""
    path = place.out / "profile.csv"
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for seconds, stage in timed(place, todo):
            about = {"stage": stage.kind, "name": stage.name}
            table.writerow({**about, "seconds": seconds})
            notes = kernels_of(place, stage)
            for row in json.loads(notes.read_text("utf-8")) if notes and notes.exists() else []:
                table.writerow({**about, **row})
    return fresh.replace(path)  # whole, also where several shards end at once


def timed(place: Place, todo: Sequence[Stage]) -> list[tuple[float, Stage]]:
    """Seconds of each stage that is on this disk, slowest first."""
    found = [(stage, place.near(stage) / "run.json") for stage in todo]
    rows = [(json.loads(record.read_text("utf-8"))["seconds"], stage) for stage, record in found if record.exists()]
    return sorted(rows, key=lambda row: -row[0])


class Slowest(NamedTuple):
    """The stage that took longest."""

    name: str
    seconds: float
    total: float  # seconds of all stages together

    def __str__(self) -> str:
        """What people read."""
        return f"Slowest stage: {self.name}, {self.seconds:.1f} of {self.total:.1f} s in all."


def slowest(report: Path) -> Slowest:
    """Which stage of a finished run took longest, from its report's `run.json`."""
    run = json.loads((report / "run.json").read_text("utf-8"))
    worst = max(run["stages"], key=lambda stage: stage["seconds"])
    return Slowest(worst["name"], worst["seconds"], run["seconds"])


def slowest_of(place: Place, todo: Sequence[Stage]) -> Slowest | None:
    """Which of some stages took longest; None where none is there."""
    rows = timed(place, todo)
    return Slowest(rows[0][1].name, rows[0][0], round(sum(seconds for seconds, _ in rows), 3)) if rows else None
