"""The command line: parse, call, print. `cli_data.py` and `cli_rate.py` hold the commands of two words."""

from __future__ import annotations

import errno
import gc
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from robustgan import __version__
from robustgan.cli_audit import EXAMPLES, audit
from robustgan.cli_data import data_app
from robustgan.cli_gate import EXITS, compare, gate
from robustgan.cli_rate import rate_app
from robustgan.cli_run import EXAMPLES as RUN_EXAMPLES
from robustgan.cli_run import Config, Out, run
from robustgan.cli_status import EXAMPLES as STATUS_EXAMPLES
from robustgan.cli_status import status
from robustgan.errors import InputError, RunError
from robustgan.postponed import postpone
from robustgan.shipped import configs, policies
from robustgan.stopping import MESSAGE, Stopped, heed
from robustgan.terminal import (
    SCRATCH,
    AsJson,
    Data,
    Scratch,
    Settings,
    err,
    examples,
    out,
    place_of,
    read_plan,
    report_folder,
)

app = typer.Typer(
    name="robustgan",
    help="How easily is a pathology classifier fooled, where, and how sure are we?",
    epilog="First steps: `robustgan run quickstart`, then open reports/quickstart/report.html.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(data_app, name="data")
app.add_typer(rate_app, name="rate")
app.command(
    epilog=f"{EXITS}\n\n"
    + examples(
        "robustgan gate reports/audit --policy release --sarif gate.sarif",
        "robustgan gate reports/new --policy update --baseline reports/old",
    )
)(gate)
app.command(
    epilog=examples(
        "robustgan compare reports/old reports/new",
        "robustgan compare reports/audit reports/audit --model densenet --other vit --csv",
    )
)(compare)
app.command(epilog=RUN_EXAMPLES)(run)
app.command(epilog=EXAMPLES)(audit)
app.command(epilog=STATUS_EXAMPLES)(status)

MENDABLE = {  # what a user can mend about a folder: full, closed to writing, or no folder at all
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST,
}  # fmt: skip


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """How easily is a pathology classifier fooled, where, and how sure are we?"""
    if version:
        out.print(__version__)


@app.command(epilog=examples("robustgan plan quickstart --json"))
def plan(
    config: Config,
    sets: Settings = None,
    out_dir: Out = ".",
    data: Data = ".",
    scratch: Scratch = SCRATCH,
    as_json: AsJson = False,
) -> None:
    """Show what `run` would do and what is there already. Needs no torch, changes nothing."""
    from robustgan.stages import stages

    read = read_plan(config, sets)
    place = place_of(read, out_dir, data, scratch)
    rows: list[dict[str, Any]] = [
        {"stage": s.kind, "name": s.name, "key": s.key, "cached": place.has(s)} for s in stages(read, place)
    ]
    if as_json:
        out.print(json.dumps(rows), markup=False, highlight=False)
        return
    for row in rows:
        out.print(
            f"{'kept ' if row['cached'] else 'to do'}  {row['key'][:8]}  {row['name']}", markup=False, highlight=False
        )
    out.print(f"{sum(not r['cached'] for r in rows)} of {len(rows)} stages to do, then the report.", highlight=False)


@app.command(
    "list",
    epilog=examples(
        "robustgan list attacks",
        "robustgan list metrics --json",
    ),
)
def list_(
    what: Annotated[
        Literal["attacks", "datasets", "models", "metrics", "configs", "policies", "gates"],
        typer.Argument(help="What to list."),
    ],
    as_json: AsJson = False,
) -> None:
    """List what can stand in a config or a report."""
    found = _listing(what)
    if as_json:
        out.print(json.dumps(found), markup=False, highlight=False)
        return
    width = max(map(len, found), default=0)
    for name, text in found.items():
        out.print(f"{name:<{width}}  {text}", markup=False, highlight=False)


@app.command(epilog=examples("robustgan report reports/quickstart"))
def report(folder: Annotated[str, typer.Argument(help="A report folder, as `run` made it, or its URL.")]) -> None:
    """Render a report again from its own tables. Needs no torch."""
    from robustgan import seal
    from robustgan.remote.address import is_url
    from robustgan.remote.depot import write_report
    from robustgan.report.render import render

    with report_folder(folder) as here:
        seal.check(here)
        render(here)
        seal.renew(here)
        if is_url(folder):
            write_report(here, folder)
    out.print(f"Report: {folder.rstrip('/')}/report.html", markup=False, highlight=False)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what this machine has: Python, torch, device, versions, disk."""
    from robustgan import health

    facts = health.examine(Path.cwd())
    if as_json:
        out.print(json.dumps(facts), markup=False, highlight=False)
    else:
        for name, value in facts.items():
            out.print(f"{name:<32}  {value}", markup=False, highlight=False)
    if facts["problems"]:
        raise typer.Exit(1)


@app.command(
    epilog=examples(
        "robustgan schema > configs/schema.json",
        "robustgan schema verdict",
    )
)
def schema(
    what: Annotated[Literal["config", "policy", "verdict"], typer.Argument(help="Schema of what.")] = "config",
) -> None:
    """Print the JSON Schema of a config, of a policy, or of the verdict that `gate --verdict` writes."""
    from robustgan.schema import SCHEMAS

    out.print(json.dumps(SCHEMAS[what](), indent=1), markup=False, highlight=False)


# ------------------------------------------------------------------------------------------------------- pieces


def _listing(what: str) -> dict[str, str]:
    if what == "metrics":
        from robustgan.metrics import METRIC_NAMES

        return METRIC_NAMES
    if what == "gates":
        from robustgan.gates.policy import gate_kinds

        return gate_kinds()
    from robustgan.config import kinds, read_yaml, summary

    if what in ("configs", "policies"):
        shipped = configs() if what == "configs" else policies()
        return {name: str(read_yaml(path).get("title", "")) for name, path in shipped.items()}
    return {kind: summary(what, kind) for kind in kinds(what)}


def main() -> None:
    """Run the command line; errors that a user can mend are one message and exit code 2."""
    for module in ("pandas", "numpy", "scipy"):
        postpone(module)
    debug = "--debug" in sys.argv  # anywhere: people add it to the end of the command that failed
    sys.argv = [sys.argv[0], *(word for word in sys.argv[1:] if word != "--debug")]
    heed()
    try:
        app()
    except Stopped as stop:
        err.print(MESSAGE)
        sys.stdout.flush()
        os._exit(128 + stop.signum)  # all is given back; what Python tidies up after that takes seconds
    except Exception as error:
        if debug:
            raise
        code, text = _explain(error)
        err.print(f"robustgan: {text}", markup=False, highlight=False)
        sys.exit(code)
    finally:
        if "torch" not in sys.modules:  # whose parts say at the end what nobody freed
            gc.freeze()  # all ends here: to look through what is left once more takes a tenth of a second


def _explain(error: Exception) -> tuple[int, str]:
    """Exit code and message for an error."""
    if isinstance(error, InputError):
        return 2, str(error)
    if isinstance(error, RunError):
        return 3, str(error)
    if isinstance(error, OSError) and error.errno in MENDABLE:
        what = f"{error.filename}: " if error.filename else ""
        return 2, f"{what}{error.strerror}. Nothing finished is lost: make room or choose another --out and run again."
    hint = "This is a fault in robustgan; the same command with --debug shows where."
    return 1, f"{type(error).__name__}: {error}\n{hint}"
