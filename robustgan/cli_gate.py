"""The commands that judge: `gate` holds a run against a policy, `compare` holds two runs against each other."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from robustgan.errors import InputError
from robustgan.shipped import policy_path
from robustgan.terminal import AsJson, out, report_folder

if TYPE_CHECKING:
    import pandas as pd

    from robustgan.gates import Verdict

EXITS = (
    "Exit codes: 0 every gate passes; 1 a gate fails; 2 wrong usage; 3 the run is incomplete and nothing fails; "
    "4 the evidence does not decide."
)

Report = Annotated[str, typer.Argument(metavar="RUN", help="A report folder, as `run` made it, or its URL.")]


def gate(
    run: Report,
    policy: Annotated[str, typer.Option("--policy", help="A policy file, or the name of one that comes along.")],
    baseline: Annotated[str | None, typer.Option(help="Report that the run must not be worse than.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the verdict as JUnit XML to this file.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write it as SARIF 2.1.0.")] = None,
    verdict_file: Annotated[Path | None, typer.Option("--verdict", help="Write it as JSON (`schema verdict`).")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write it as Markdown for a pull request.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a run against a policy: pass, fail, incomplete or indeterminate. Needs no torch."""
    from robustgan.gates import document, judge, read_policy, read_run, summary
    from robustgan.gates import junit as junit_xml

    path = policy_path(policy)
    demands = read_policy(path)
    if baseline is not None and not demands.compares:
        raise InputError(f"--baseline: policy `{demands.name}` has no gate of the kind no_regression to compare with.")
    with report_folder(run) as folder, report_folder(baseline or run) as other:
        verdict = judge(read_run(folder), demands, None if baseline is None else read_run(other))
    _write(junit, junit_xml.text(verdict))
    _write(sarif, _sarif(verdict, path))
    _write(verdict_file, document.text(verdict))
    _write(markdown, summary.text(verdict))
    _show(verdict, as_json)
    raise typer.Exit(verdict.exit_code)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A report folder, or its URL.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another, or the same with two models named.")],
    model: Annotated[str | None, typer.Option(help="Only this classifier of A.")] = None,
    other: Annotated[str | None, typer.Option(help="Only this classifier of B.")] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Compare two runs on the images and attacks that both have: B less A, paired, with intervals and tests."""
    from robustgan.metrics.comparison import compare as compared

    frame = compared(_predictions(first, model), _predictions(second, other))
    if as_csv:
        text = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        out.print(text, end="", markup=False, highlight=False)
    elif as_json:
        out.print(json.dumps([_plain(row) for row in frame.to_dict("records")]), markup=False, highlight=False)
    else:
        for row in frame.to_dict("records"):
            out.print(_line({str(name): value for name, value in row.items()}), markup=False, highlight=False)


# ------------------------------------------------------------------------------------------------------- pieces


def _write(file: Path | None, text: str) -> None:
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8", newline="\n")


def _sarif(verdict: Verdict, path: Path) -> str:
    """SARIF names a file relative to the repository, which is the working directory; any other by its whole URI."""
    from robustgan.gates import sarif
    from robustgan.gates.policy import lines

    file, here = path.resolve(), Path.cwd()
    uri = quote(file.relative_to(here).as_posix()) if file.is_relative_to(here) else file.as_uri()
    return sarif.text(verdict, uri, lines(path))


def _show(verdict: Verdict, as_json: bool) -> None:
    from robustgan.gates import document
    from robustgan.gates.wording import legible

    if as_json:
        out.print(json.dumps(document.content(verdict)), markup=False, highlight=False)
        return
    for row in verdict.rows:
        where = ", ".join(filter(None, (row.model, row.scope))) or "run"
        text = f"{row.status:<13}  {row.gate}  {legible(where)}: {legible(row.reason)}"
        out.print(text, markup=False, highlight=False)
    counts = ", ".join(f"{number} {status}" for status, number in verdict.counts.items() if number)
    out.print(f"Verdict: {verdict.status} ({counts}).", markup=False, highlight=False)


def _predictions(place: str, model: str | None) -> pd.DataFrame:
    from robustgan import tables
    from robustgan.errors import nearest

    with report_folder(place) as folder:
        frame = tables.read(folder / "predictions.parquet", tables.PREDICTIONS)
    known = sorted(frame["model"].unique())
    if model is None:
        return frame
    if model not in known:
        raise InputError(f"{place}: it has no model `{model}`. {nearest(model, known)}")
    return frame[frame["model"] == model]


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    undefined = {name for name, value in row.items() if isinstance(value, float) and not math.isfinite(value)}
    return {str(name): None if name in undefined else value for name, value in row.items()}


def _line(row: dict[str, Any]) -> str:
    """A cell for people, in percentage points."""
    from robustgan.gates.gate import budget
    from robustgan.gates.wording import legible

    bound = budget(row["norm"], row["eps"])
    who = row["model"] if row["model"] == row["other"] else f"{row['model']} / {row['other']}"
    where = f"{who}, {row['attack']} {bound}, {row['magnification']}, {row['metric']}"
    if not row["images"]:
        return f"{legible(where)}: {legible(row['note'])}"
    change = f"{100 * row['difference']:+.1f} points ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})"
    tested = f"p {row['p']:.3g}, Holm {row['p_holm']:.3g}; {row['images']} images, {row['groups']} patients"
    levels = f"{100 * row['first']:.1f} % -> {100 * row['second']:.1f} %"
    return f"{legible(where)}: {levels}, {change}, {tested}"
