"""What the commands share that run an experiment: show the progress, say where the report is and what failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from robustgan.terminal import err, out

if TYPE_CHECKING:
    from robustgan.experiment import Experiment
    from robustgan.stages import Place


def carry_out(plan: Experiment, place: Place, command: str, as_json: bool, board: Path | None = None) -> Path:
    """Run an experiment and return the folder of its report.

    Raises:
        typer.Exit: with 3, where a stage failed; the report is there and says so.
    """
    from robustgan import pipeline
    from robustgan.console import Bars, Lines
    from robustgan.stages import stages
    from robustgan.tensorboard import mirrored

    if place.depot is not None:
        place.depot.open()
    total = len(stages(plan, place)) + 1
    view = Bars(out, total) if out.is_terminal and not as_json else Lines(out, total, as_json)
    with view, mirrored(board, place, view.watch) as watch:
        folder, failures = pipeline.run(plan, place, command, watch)
    if as_json:
        out.print(json.dumps({"report": str(folder), "failures": failures}), markup=False, highlight=False)
    else:
        out.print(f"Report: {folder / 'report.html'}", markup=False, highlight=False)
        if place.depot is not None:
            out.print(f"Kept: {place.depot.report(plan.name)}", markup=False, highlight=False)
    for failure in failures:
        err.print(f"FAILED {failure}", markup=False, highlight=False)
    if failures:
        raise typer.Exit(3)
    return folder
