"""The commands of `robustgan rate`: a blind sheet for people, and what the filled-in sheets say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

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
    model: Annotated[str | None, typer.Option(help="Which classifier was to be fooled, where several were.")] = None,
    accepted: Annotated[bool, typer.Option("--accepted", help="Only images that the oracles accepted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write shuffled real and generated images, an empty sheet and a page; the key goes beside the folder."""
    from robustgan.rating import folder, key, source

    pool = source.pool(run, attack, model)
    rows = folder.make(pool.accepted() if accepted else pool, out_dir, images, seed)
    first = rows[rows["repeat_of"] == ""]
    counts = {kind: int((first["kind"] == kind).sum()) for kind in (key.REAL, key.GENERATED_KIND)}
    counts |= {"searched": int(first["mode"].str.contains(key.SEARCHED).sum()), "twice": len(rows) - len(first)}
    place = key.key_path(out_dir)
    if as_json:
        facts = {"folder": str(out_dir), "key": str(place), **counts}
        out.print(json.dumps(facts), markup=False, highlight=False)
        return
    listed = "{real} real, {generated} generated, {searched} of these searched, {twice} twice".format(**counts)
    out.print(f"For raters: {out_dir} ({listed}); open its rate.html.", markup=False, highlight=False)
    if key.SEARCHED not in set(pool.rows["mode"]):
        out.print(
            "Natural images only: this run did not keep where its searches ended. Run its config again to have them.",
            markup=False, highlight=False,
        )  # fmt: skip
    out.print(f"Key, for nobody who rates: {place}", markup=False, highlight=False)


@rate_app.command(
    epilog=examples(
        "robustgan rate score rating ratings-ana.csv ratings-ben.csv",
        "robustgan rate score rating --into reports/quickstart --kind pathologist",
    )
)
def score(
    folder: Folder,
    sheets: Annotated[list[Path] | None, typer.Argument(help="Filled-in sheets; else all CSV files in FOLDER.")] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="REPORT", help="Report to correct with q, and to render again.")
    ] = None,
    kind: Annotated[
        Literal["pathologist", "non-expert"], typer.Option(help="Who rated; `pathologist` only where all are.")
    ] = "non-expert",
    as_json: AsJson = False,
) -> None:
    """Score filled-in sheets: real or generated, does the label hold (q), and how far raters agree."""
    from robustgan.rating import answers, key, record, scoring

    rows, paths = key.read_key(folder), sheets or answers.sheets_in(folder)
    filled = answers.read_sheets(paths, rows["id"].tolist())
    scores = scoring.score(rows, filled)
    rating = record.rated(into, folder, rows, filled, paths, kind) if into else None
    text = scoring.as_json(scores) if as_json else "\n".join(scoring.as_lines(scores))
    out.print(text, markup=False, highlight=False)
    if into and rating:
        record.enter(into, rating)
        if not as_json:
            out.print(f"Report: {into}/report.html, corrected by {rating.who}", markup=False, highlight=False)
