"""What each attack takes away, at each magnification."""

from __future__ import annotations

from robustgan.report import cases as lookup
from robustgan.report import pictures
from robustgan.report.cases import Case, cell, rows_of
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder, Row
from robustgan.report.words import absent, count_cell, drop_cell, p_value, percent, rest, value_cell

DOES_NOT_WORK = "clean classifier fails"
COLUMNS = (
    "Attack", "Magnification", "Metric", "Clean, %", "Attacked, %", "Drop, points", "p (Holm)", "Images",
    "Patients", "Note",
)  # fmt: skip


def section(folder: Folder) -> Section:
    """Figures first, then the tables behind them."""
    blocks: list[Block] = []
    for model in folder.judged:
        blocks += _figures(folder, model)
        blocks += [table for table in (compact(folder, model), complete(folder, model)) if table.rows]
    return Section("drops", "Drops under attack", tuple(blocks) or (Paragraph("Nothing was attacked."),))


def _figures(folder: Folder, model: str) -> list[Block]:
    if set(lookup.magnifications(folder.metrics)) <= set(lookup.broken(folder, model)):
        text = f"{model} works at no magnification without an attack, so there is no drop to draw."
        return [Paragraph(text)]
    drawn = (
        pictures.drop_maps(folder, model),
        pictures.changes(folder, model),
        pictures.success(folder, model),
    )
    return [figure for figure in drawn if figure]


def compact(folder: Folder, model: str) -> Table:
    """One row an attack and metric, one column a magnification: the drop with its interval."""
    bad, columns = lookup.broken(folder, model), lookup.magnifications(folder.metrics)
    lines = [
        (
            Cell(case.title),
            Cell(metric),
            *(_drop(cell(rows_of(folder, case), metric, m), m in bad) for m in columns),
        )
        for case in lookup.cases(folder, model)
        if not case.clean
        for metric in pictures.DROPS
    ]
    caption = (
        f"{model}: drop = clean - attacked, on the same images, in percentage points (95 % interval, "
        "clustered by patient)."
    )
    return Table(caption, ("Attack", "Metric", *columns), tuple(lines))


def complete(folder: Folder, model: str) -> Table:
    """One row an attack, magnification and metric: clean, attacked, drop, corrected p, both n."""
    bad = lookup.broken(folder, model)
    lines = [
        _line(case, magnification, metric, row, magnification in bad)
        for case in lookup.cases(folder, model)
        if not case.clean
        for magnification in lookup.magnifications(folder.metrics)
        for metric in pictures.DROPS
        if (row := cell(rows_of(folder, case), metric, magnification))
    ]
    caption = (
        f"{model}: every drop with clean and attacked values, both n, and p of a sign-flip test over "
        "patients, Holm-corrected over attack x magnification."
    )
    return Table(caption, COLUMNS, tuple(lines), folded=True)


def _drop(row: Row | None, bad: bool) -> Cell:
    if row is None:
        return absent()
    drop = float("nan") if bad else row["drop"]
    return drop_cell(drop, row["drop_low"], row["drop_high"], rest(row), DOES_NOT_WORK if bad else str(row["note"]))


def _line(case: Case, magnification: str, metric: str, row: Row, bad: bool) -> tuple[Cell, ...]:
    return (
        Cell(case.title),
        Cell(magnification),
        Cell(metric),
        value_cell(row["clean"], percent(row["clean"]), rest(row)),
        absent() if bad else value_cell(row["value"], percent(row["value"]), rest(row)),
        _drop(row, bad),
        absent() if bad else value_cell(row["p_holm"], p_value(row["p_holm"]), rest(row)),
        count_cell(row["images"]),
        count_cell(row["groups"]),
        Cell("" if bad else str(row["note"]), muted=True),
    )
