"""Was the attack strong? Every strength check with its numbers, and what the probes behind the checks reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report.document import Block, Cell, Figure, Paragraph, Section, Table
from robustgan.report.figures import probes
from robustgan.report.figures.probes import Curve
from robustgan.report.folder import Folder, Row, records
from robustgan.report.pictures import keep
from robustgan.report.words import absent, count, count_cell, listed, percent, plain, sized, status_cell

TITLE = "Evidence that the attack is strong"
INTRO = (
    "That a classifier withstands an attack means something only if the attack was strong. Each check asks one "
    "question whose answer is known for a sound evaluation. A check that fails says nothing good "
    "and nothing bad about the classifier: it says that robustness was not measured."
)
MISSING = (
    "The strength of the attacks was not measured in this run: there are no strength checks. What an attack left "
    "standing must not be read as robustness. Drops are not in doubt: a stronger attack can only make them larger."
)
UNKNOWN = (
    "{model}: the strength of the attacks was not measured; what they left standing must not be read as robustness."
)
EXPECTED = (
    "In a sound evaluation success grows with the budget up to 100 % (blue: the budget that is judged) and is flat "
    "where iterations or restarts are doubled. Queries: share turned by a search that needs no gradient, with at most "
    "so many answers."
)
COLUMNS = ("Check", "Outcome", "Found", "Expected", "Value", "Limit", "Images")
ORDER = ("fail", "warn", "not run", "pass")
QUERIED = (1, 5, 10, 25, 50, 100, 200, 500, 1000, 2000, 5000)  # queries at which the search is read


def section(folder: Folder) -> Section:
    """The checks of each classifier, then curves of the probes."""
    if folder.strength.empty:
        return Section("strength", TITLE, (Paragraph(MISSING, "warning"), *_figures(folder)))
    blocks: list[Block] = [Paragraph(INTRO)]
    for model in dict.fromkeys(folder.strength["model"]):
        rows = [row for row in records(folder.strength) if row["model"] == model]
        blocks += [*on_top(folder, str(model)), _table(str(model), rows)]
        if idle := _named(folder, str(model), "not run"):
            blocks.append(Paragraph(f"Not run, and so no evidence: {listed(idle)}.", "note"))
    return Section("strength", TITLE, (*blocks, *_figures(folder)))


def on_top(folder: Folder, model: str) -> list[Block]:
    """What stands above the answer: which checks failed, or that none was made."""
    if not (folder.strength["model"] == model).any():
        return [] if model not in folder.judged else [Paragraph(UNKNOWN.format(model=model), "note")]
    failed = _named(folder, model, "fail")
    if not failed:
        return []
    text = (
        f"{model}: {count(len(failed), 'strength check fails', 'strength checks fail')} ({listed(failed)}). The "
        "attacks were hindered or too weak: what they left standing is not robustness."
    )
    return [Paragraph(text, "warning")]


def _named(folder: Folder, model: str, status: str) -> list[str]:
    rows = folder.strength
    return [str(name) for name in rows["check"][(rows["model"] == model) & (rows["status"] == status)]]


def _table(model: str, rows: list[Row]) -> Table:
    ordered = sorted(rows, key=lambda row: ORDER.index(row["status"]) if row["status"] in ORDER else 0)
    caption = f"{model}: strength checks, the worst first."
    return Table(caption, COLUMNS, tuple(_line(row) for row in ordered))


def _line(row: Row) -> tuple[Cell, ...]:
    value, limit = (Cell("", n) if (n := float(row[name])) != n else Cell(plain(n), n) for name in ("value", "limit"))
    value = replace(value, hint=sized(row["images"])) if value.text else value
    sizes = count_cell(row["images"]) if row["images"] else absent()
    status = status_cell(str(row["status"]))
    return (Cell(str(row["check"])), status, Cell(str(row["found"])), Cell(str(row["expected"])), value, limit, sizes)


def _figures(folder: Folder) -> list[Block]:
    found = folder.probes
    found = found[found["clean_pred"] == found["label"]]
    blocks: list[Block] = []
    for model, rows in found.groupby("model", sort=False):
        pictures = []
        for name, curve in _curves(rows):
            judged = float(rows["eps"][rows["probe"] == "iterations"].max()) if name == "budget" else None
            drawing = probes.draw(curve, None if judged is None or judged != judged else judged)
            reached = ", ".join(f"{x} {percent(y)}" for x, y in zip(curve.names, curve.success, strict=True))
            alt = f"{curve.title} on {model}: % of images turned at {curve.axis}: {reached}."
            pictures.append(keep(folder, drawing, f"probe-{name}", str(model), alt))
        if pictures:
            size = count(rows["image_id"].nunique(), "image")
            caption = f"Probes of {model} on {size} that it has right when clean. {EXPECTED}"
            blocks.append(Figure(tuple(pictures), caption))
    return blocks


def _curves(rows: pd.DataFrame) -> Iterator[tuple[str, Curve]]:
    """What was varied, where it has more than one value."""
    parts = {str(name): part for name, part in rows.groupby("probe", sort=False)}
    for name, axis in (("budget", "budget (eps)"), ("iterations", "iterations"), ("restarts", "restarts")):
        if name in parts and parts[name]["setting"].nunique() > 1:
            reached = parts[name].assign(turned=_turned(parts[name])).groupby("setting")["turned"].mean()
            x = [float(value) for value in reached.index]
            norm = str(parts[name]["norm"].iloc[0])
            label = [lookup.budget(norm, v) if name == "budget" else plain(v) for v in x]
            yield name, Curve(f"Success and {name}", axis, x, list(reached), label)
    if "black-box" in parts:
        yield from _search(parts["black-box"])


def _search(rows: pd.DataFrame) -> Iterator[tuple[str, Curve]]:
    """What a search turns with at most so many queries: an image that it turned was left alone from then on."""
    most = rows["queries"].max()
    x = [float(n) for n in QUERIED if n < most] + [float(most)] if most == most else []
    turned, spent = _turned(rows), rows["queries"].to_numpy()
    success = [float((turned & (spent <= n)).mean()) for n in x]
    if len(x) > 1:
        yield "queries", Curve("Success and queries", "queries", x, success, [plain(n) for n in x])


def _turned(rows: pd.DataFrame) -> np.ndarray:
    return (rows["pred"] != rows["label"]).to_numpy()
