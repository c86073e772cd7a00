"""How far a run is: the state of each of its stages, from the run's own folder alone, and the time that is left.

Anybody may look at any time, from any machine that sees the folder; nothing is changed and torch is not needed.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from robustgan import lease, store
from robustgan.experiment import Experiment
from robustgan.parts import Joined, Part, begun, failure
from robustgan.remote.address import MissingError
from robustgan.stage import Place, Stage

STATES = ("done", "running", "pending", "failed", "oom", "blocked")
OVER = ("done", "failed", "oom", "blocked")  # states that no run changes by itself


def survey(plan: Experiment, todo: Sequence[Stage], place: Place) -> dict[str, Any]:
    """What `robustgan status --json` prints.

    Args:
        plan: the experiment.
        todo: its stages. To plan them every byte of the data set is read; to look again and again, plan once.
        place: where the run writes.
    """
    rows: dict[str, dict[str, Any]] = {}
    for stage in begun(todo, place):
        rows[stage.key] = _state(stage, place, rows)
    found = list(rows.values())
    counts = Counter(row["state"] for row in found)
    written = _written(plan, place, [row["key"] for row in found if row["state"] == "done" and "part" not in row])
    left, unknown = time_left(found)
    return {
        "name": plan.name,
        "complete": counts["done"] == len(found) and written,
        "report": written,
        "counts": {state: counts[state] for state in STATES},
        "seconds_left": left,
        "stages_of_unknown_length": unknown,
        "stages": found,
    }


def _state(stage: Stage, place: Place, before: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One stage, and what is known of it in its state."""
    runs = place.out / "runs"
    row: dict[str, Any] = {"stage": stage.kind, "name": stage.name, "key": stage.key}
    if isinstance(stage, Part):
        row |= {"part": stage.number, "parts": stage.parts, "of": stage.of.kind}
    elif isinstance(stage, Joined):
        row["parts"] = len(stage.parts)
    record = lease.read(place.folder(stage) / "run.json")
    if record is not None or place.has(stage):
        return {**row, "state": "done", "seconds": (record or {}).get("seconds")}
    held = lease.read(store.leased(runs, stage.kind, stage.key))
    if held and lease.alive(held) is not False:
        kept = {name: held[name] for name in ("host", "pid", "done", "total", "what")}
        now = time.time()  # of two machines: shown to people, and nothing depends on it
        since, silent = (max(0.0, round(now - held[name], 1)) for name in ("started", "beat"))
        ages = {"seconds": since, "beat_seconds_ago": silent}
        return {**row, "state": "running", **kept, **ages}
    failed = failure(place, stage)
    if failed:
        kept = {name: failed[name] for name in ("reason", "host", "pid", "at")}
        return {**row, "state": "oom" if failed["kind"] == "oom" else "failed", **kept}
    lost = [n.name for n in stage.takes.values() if before[n.key]["state"] in ("failed", "oom", "blocked")]
    return {**row, "state": "blocked", "reason": f"it needs `{lost[0]}`"} if lost else {**row, "state": "pending"}


def _written(plan: Experiment, place: Place, done: list[str]) -> bool:
    """Whether the report is there and was made from just what is done."""
    try:
        local = place.out / "reports" / plan.name / "run.json"
        record = json.loads(local.read_bytes() if place.depot is None else place.depot.seal(plan.name))
    except (OSError, ValueError, MissingError):
        return False
    return {stage["key"] for stage in record["stages"] if stage["stage"] != "report"} == set(done)


def time_left(rows: Iterable[dict[str, Any]]) -> tuple[float, int]:
    """Seconds that are left, and how many stages have a length that nothing tells.

    A stage takes as long as those of its kind did that are done. One that runs goes on as it began, where it says how
    far it is. What is left is shared by as many processes as work now.
    """
    rows = list(rows)
    lengths: dict[str, list[float]] = {}
    for row in rows:
        if row["state"] == "done" and row["seconds"] is not None:
            lengths.setdefault(row["stage"], []).append(row["seconds"])
    left, unknown, workers = 0.0, 0, 0
    for row in rows:
        mean = _expected(row, lengths)
        if row["state"] == "running":
            workers += 1
            if row["done"] and row["total"]:
                left += max(0.0, row["seconds"] / row["done"] * (row["total"] - row["done"]))
                continue
            mean = None if mean is None else max(0.0, mean - row["seconds"])
        elif row["state"] != "pending":
            continue
        left, unknown = (left, unknown + 1) if mean is None else (left + mean, unknown)
    return round(left / max(1, workers), 1), unknown


def _expected(row: dict[str, Any], lengths: dict[str, list[float]]) -> float | None:
    """Seconds that a stage takes; None where nothing tells. A part takes its share of a cell, joining takes nothing."""
    if "parts" in row and "part" not in row:
        return 0.0
    known, shares = lengths.get(row["stage"]), 1
    if known is None and "of" in row:
        known, shares = lengths.get(row["of"]), row["parts"]
    return sum(known) / len(known) / shares if known else None
