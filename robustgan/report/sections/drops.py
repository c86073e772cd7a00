"""What each attack takes away, at each magnification."""

from __future__ import annotations

import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report import pictures
from robustgan.report.cases import Case, cell, rows_of
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder
from robustgan.report.words import absent, count_cell, drop_cell, p_value, percent

DOES_NOT_WORK = "the clean classifier does not work here"


def section(folder: Folder) -> Section:
    """Figures first, then the table behind them."""
    blocks: list[Block] = []
    for model in dict.fromkeys(folder.predictions["model"]):
        drawn = [pictures.drop_maps(folder, model), pictures.changes(folder, model), pictures.success(folder, model)]
        blocks += [figure for figure in drawn if figure]
    blocks += tables(folder)
    return Section("drops", "Drops under attack", tuple(blocks) or (Paragraph("Nothing was attacked."),))


def tables(folder: Folder) -> tuple[Table, ...]:
    """The table of each classifier that was attacked."""
    found = (drop_table(folder, str(model)) for model in dict.fromkeys(folder.predictions["model"]))
    return tuple(table for table in found if table.rows)


def drop_table(folder: Folder, model: str) -> Table:
    """One row an attack, magnification and metric: clean, attacked, drop with interval, corrected p, both n."""
    bad = lookup.broken(folder, model)
    lines = []
    for case in lookup.cases(folder, model):
        rows = rows_of(folder.metrics, case)
        for magnification in [] if case.clean else lookup.magnifications(folder.metrics):
            for metric in pictures.DROPS:
                row = cell(rows, metric, magnification)
                if row is not None:
                    lines.append(_line(case, magnification, metric, row, magnification in bad))
    caption = (
        f"{model}: drop = clean - attacked, on the same images, in percentage points (95 % interval, clustered by patient). "
        "p: sign-flip test over patients, Holm-corrected over attack x magnification."
    )
    columns = ("Attack", "Magnification", "Metric", "Clean, %", "Attacked, %", "Drop, points", "p (Holm)", "Images", "Patients")
    return Table(caption, columns, tuple(lines))


def _line(case: Case, magnification: str, metric: str, row: pd.Series, bad: bool) -> tuple[Cell, ...]:
    why = DOES_NOT_WORK if bad else str(row["note"])
    return (
        Cell(case.title),
        Cell(magnification),
        Cell(metric.capitalize()),
        absent() if row["clean"] != row["clean"] else Cell(percent(row["clean"]), row["clean"]),
        absent() if bad or row["value"] != row["value"] else Cell(percent(row["value"]), row["value"]),
        drop_cell(float("nan") if bad else row["drop"], row["drop_low"], row["drop_high"], why),
        absent() if bad else Cell(p_value(row["p_holm"]), row["p_holm"], muted=row["p_holm"] != row["p_holm"]),
        count_cell(row["images"]),
        count_cell(row["groups"]),
    )
