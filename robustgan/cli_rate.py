"""The commands of `robustgan rate`: a blind sheet for people, and what the filled-in sheets say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from robustgan.terminal import AsJson, examples, out

rate_app = typer.Typer(help="Let people rate a run's images, blind.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder that `rate make` wrote; its key lies beside it.")]


@rate_app.command(epilog=examples("robustgan rate make reports/quickstart --out rating --images 40"))
def make(
    run: Annotated[Path, typer.Argument(metavar="REPORT", help="A report, or the `--out` of a run with one report.")],
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for the raters; must not exist yet.")],
    images: Annotated[int, typer.Option(min=2, help="At most so many real and so many generated images.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another seed: other images in another order.")] = 0,
    attack: Annotated[str | None, typer.Option(help="Whose images, where several attacks made some.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write shuffled real and generated images, an empty sheet and a page; the key goes beside the folder."""
    from robustgan.rating import folder, key, source

    rows = folder.make(source.pool(run, attack), out_dir, images, seed)
    kinds = rows["kind"][rows["repeat_of"] == ""].value_counts()
    counts = {kind: int(kinds[kind]) for kind in (key.REAL, key.GENERATED_KIND)} | {"twice": len(rows) - kinds.sum()}
    place = key.key_path(out_dir)
    if as_json:
        facts = {"folder": str(out_dir), "key": str(place), **{name: int(count) for name, count in counts.items()}}
        out.print(json.dumps(facts), markup=False, highlight=False)
        return
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    out.print(f"For raters: {out_dir} ({listed}); open its rate.html.", markup=False, highlight=False)
    out.print(f"Key, for nobody who rates: {place}", markup=False, highlight=False)


@rate_app.command(epilog=examples("robustgan rate score rating ratings-ana.csv ratings-ben.csv"))
def score(
    folder: Folder,
    sheets: Annotated[list[Path] | None, typer.Argument(help="Filled-in sheets; else all CSV files in FOLDER.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score filled-in sheets: real or generated, does the label hold (q), and how far raters agree."""
    from robustgan.rating import answers, key, scoring

    rows = key.read_key(folder)
    filled = answers.read_sheets(sheets or answers.sheets_in(folder), rows["id"].tolist())
    scores = scoring.score(rows, filled)
    text = scoring.as_json(scores) if as_json else "\n".join(scoring.as_lines(scores))
    out.print(text, markup=False, highlight=False)
