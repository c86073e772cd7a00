"""The commands of `robustgan data`: look at, download or make data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from robustgan.errors import InputError
from robustgan.terminal import SCRATCH, AsJson, Data, Scratch, Settings, data_folder, err, examples, out, read_plan

data_app = typer.Typer(help="Look at, download or make data.", no_args_is_help=True)


@data_app.command(
    epilog=examples(
        "robustgan data audit /data/BreaKHis_v1 --partial",
        "robustgan data audit --config idc_subset",
    )
)
def audit(
    root_dir: Annotated[Path | None, typer.Argument(metavar="[ROOT]", help="Root of a BreakHis tree.")] = None,
    config: Annotated[str | None, typer.Option(help="A config whose data set is meant instead.")] = None,
    protocol: Annotated[str, typer.Option(help="Split protocol whose leak table to print.")] = "accession-cv5",
    fold: Annotated[int, typer.Option(min=1, help="Fold of the protocol.")] = 1,
    partial: Annotated[bool, typer.Option(help="Accept a copy that does not hold all 7,909 images.")] = False,
    leak: Annotated[bool, typer.Option(help="Accept a protocol that puts one patient on two sides.")] = False,
    data: Data = ".",
    scratch: Scratch = SCRATCH,
    as_json: AsJson = False,
) -> None:
    """Count classes x magnifications, list duplicates and findings, and show what a split leaks."""
    from robustgan import audit as auditing
    from robustgan.config import plugin
    from robustgan.experiment import Split

    if (root_dir is None) == (config is None):
        raise InputError("data audit: give either a ROOT or --config, and not both.")
    if config is not None:
        dataset, rule = read_plan(config, None).dataset, read_plan(config, None).split
    else:
        settings = {"kind": "breakhis", "root": str(root_dir), "partial": partial}
        dataset, rule = plugin("datasets", settings), Split(protocol=protocol, leak=leak)
    result = auditing.audit(dataset, data_folder(dataset, data, scratch), rule, fold)
    if as_json:
        out.print(auditing.as_json(result), markup=False, highlight=False)
    else:
        for line in auditing.as_lines(result):
            out.print(line, markup=False, highlight=False)


@data_app.command(epilog=examples("robustgan data fetch breakhis /data/breakhis"))
def fetch(
    name: Annotated[Literal["breakhis"], typer.Argument(help="Which data set.")],
    dest: Annotated[Path, typer.Argument(help="Folder to put it in.")],
    url: Annotated[str | None, typer.Option(help="Another place that has the same archive.")] = None,
) -> None:
    """Download a data set (about 4 GB for BreakHis), resume what broke off, check it and unpack it safely."""
    from robustgan import fetch as fetching

    with _bar(f"fetch {name}") as tick:
        place = fetching.fetch(url or fetching.BREAKHIS_URL, dest, tick)
    out.print(f"Data: {place}", markup=False, highlight=False)


@data_app.command(
    epilog=examples("robustgan data synth synthetic-breakhis --set patients=82 --set width=700 --set height=460")
)
def synth(
    dest: Annotated[Path, typer.Argument(help="Folder that gets the BreakHis tree; must not exist yet.")],
    sets: Settings = None,
) -> None:
    """Write synthetic H&E images as a BreakHis tree."""
    from robustgan.config import override, plugin

    settings: dict[str, Any] = {"kind": "synthetic"}
    for one in sets or []:
        settings = override(settings, one)
    if dest.exists():
        raise InputError(f"{dest}: exists already; name a folder that does not.")
    dataset: Any = plugin("datasets", settings, "synthetic")
    with _bar("synth") as tick:
        dataset.make(dest, tick)
    out.print(f"Data: {dest}", markup=False, highlight=False)


def _bar(title: str) -> Any:
    from robustgan.console import bar

    return bar(out if out.is_terminal else err, title)
