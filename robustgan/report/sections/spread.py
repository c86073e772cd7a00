"""Where it hurts: drops by magnification, what becomes of each patient, cancers missed per hundred."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report.cases import POOLED, Case, cell, rows_of
from robustgan.report.document import Block, Cell, Figure, Paragraph, Picture, Section, Table
from robustgan.report.figures import forest, strip
from robustgan.report.figures.forest import Line
from robustgan.report.folder import Folder, Row
from robustgan.report.pictures import keep
from robustgan.report.sections import headline
from robustgan.report.sections.drops import DOES_NOT_WORK
from robustgan.report.words import absent, count, count_cell, drop_cell, percent, points

SIDES = {1: "malignant", 0: "benign"}
TALL = 32  # lines; a forest plot of more is taken apart, a panel a magnification
CAPTION = (
    "First: drop in sensitivity at the budget of the headline, with 95 % intervals clustered by patient. Then each "
    "patient with images of that class: the share of them that is right when clean (ring) and under {attack} (dot)."
)


def section(folder: Folder) -> Section:
    """Figures and the table of missed cancers, for each classifier."""
    blocks: list[Block] = []
    for model in folder.judged:
        if POOLED in lookup.broken(folder, model):
            blocks.append(Paragraph(f"{model} does not work without an attack, so there is no spread to show."))
            continue
        rival = headline.strongest(folder, model)
        if rival is not None:
            pictures = (*_forest(folder, model), *_strips(folder, rival))
            blocks += [Figure(pictures, CAPTION.format(attack=rival.title)), _missed(folder, model)]
    title = "Where it hurts: magnifications and patients"
    return Section("spread", title, tuple(blocks) or (Paragraph("Nothing was attacked."),))


def _forest(folder: Folder, model: str) -> Iterator[Picture]:
    shown = lookup.reference(lookup.cases(folder, model))
    bad = lookup.broken(folder, model)
    groups = {
        name: [_bar(case, cell(rows_of(folder, case), "sensitivity", name), name in bad) for case in shown]
        for name in lookup.magnifications(folder.metrics)
    }
    across = forest.span(groups)
    apart = sum(map(len, groups.values())) > TALL and len(groups) > 1
    for name, part in ((f"-{name}", {name: lines}) for name, lines in groups.items()) if apart else (("", groups),):
        alt = "; ".join(f"{where}: " + ", ".join(map(_alt, lines)) for where, lines in part.items())
        drawing = forest.draw(part, "Drop in sensitivity", across)
        yield keep(folder, drawing, f"forest{name}", model, f"Forest plot of drops in sensitivity, points. {alt}.")


def _bar(case: Case, row: Row | None, bad: bool) -> Line:
    if row is None:
        return Line(case.name, math.nan, math.nan, math.nan, 0, 0, case.control)
    drop, low, high = (math.nan if bad else float(row[name]) for name in ("drop", "drop_low", "drop_high"))
    return Line(case.name, drop, low, high, int(row["images"]), int(row["groups"]), case.control)


def _alt(line: Line) -> str:
    return f"{line.label} {points(line.drop, line.low, line.high)} of {count(line.images, 'image')}"


def _strips(folder: Folder, case: Case) -> Iterator[Picture]:
    rows = lookup.of(folder.predictions, case)
    for label, side in SIDES.items():
        mine = rows[rows["label"] == label]
        if mine.empty:
            continue
        clean, attacked = shares(mine)
        title = f"Patients with {side} images: {case.title}"
        alt = (
            f"{title}. {count(len(clean), 'patient')}; median share right {percent(float(np.median(clean)))} when "
            f"clean, {percent(float(np.median(attacked)))} attacked; no image left right: "
            f"{(attacked == 0).sum()} patients."
        )
        yield keep(folder, strip.draw(clean, attacked, title), f"patients-{side}", case.model, alt)


def shares(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Each patient's share of images that is right, clean and attacked, in one order."""
    right = pd.DataFrame({
        "clean": rows["clean_pred"] == rows["label"], "attacked": rows["pred"] == rows["label"]
    }).groupby(rows["group"]).mean()  # fmt: skip
    return right["clean"].to_numpy(dtype=float), right["attacked"].to_numpy(dtype=float)


def _missed(folder: Folder, model: str) -> Table:
    bad = lookup.broken(folder, model)
    lines = [
        _hundred(case, name, row, name in bad)
        for case in lookup.reference(lookup.cases(folder, model))
        for name in lookup.magnifications(folder.metrics)
        if (row := cell(rows_of(folder, case), "sensitivity", name))
    ]
    columns = ("Attack", "Magnification", "Clean", "Attacked", "More", "Malignant images", "Patients")
    caption = f"{model}: missed cancers per 100 malignant images (95 % interval, clustered by patient)."
    return Table(caption, columns, tuple(lines))


def _hundred(case: Case, magnification: str, row: Row, bad: bool) -> tuple[Cell, ...]:
    sizes = count_cell(row["images"]), count_cell(row["groups"])
    hint = f"{count(row['images'], 'malignant image')} of {count(row['groups'], 'patient')}"
    clean = _misses(row, "clean", "clean_", hint)
    attacked, more = (absent(DOES_NOT_WORK), absent()) if bad else (_misses(row, "value", "", hint), _more(row, hint))
    return (Cell(case.title), Cell(magnification), clean, attacked, more, *sizes)


def _misses(row: Row, name: str, stem: str, hint: str) -> Cell:
    value, low, high = (1 - float(row[key]) for key in (name, f"{stem}high", f"{stem}low"))
    return absent(str(row["note"])) if value != value else Cell(points(value, low, high), value, hint=hint)


def _more(row: Row, hint: str) -> Cell:
    return drop_cell(float(row["drop"]), row["drop_low"], row["drop_high"], hint)
