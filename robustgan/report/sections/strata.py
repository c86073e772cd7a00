"""By patient and by histological subtype."""

from __future__ import annotations

from robustgan.report import cases as lookup
from robustgan.report.cases import POOLED, Case, cell, rows_of
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder, Row
from robustgan.report.sections.drops import DOES_NOT_WORK
from robustgan.report.words import absent, count_cell, drop_cell, rest, share_cell

UNITS = (
    ("patient recognition", "accuracy"),
    ("patient diagnosis", "accuracy"),
    ("patient diagnosis", "sensitivity"),
    ("patient diagnosis", "specificity"),
)


def patients(folder: Folder) -> Section:
    """Per patient: two numbers that share a unit and nothing else, so each keeps its name."""
    intro = (
        "Patient recognition is the mean over patients of the share of their images that are right "
        "(Spanhol 2016); it is no diagnosis. Patient diagnosis calls a patient malignant when the mean "
        "P(malignant) of their images is at least 0.5; patients with images of both classes cannot be "
        "right or wrong there and are left out, with their number."
    )
    tables = [table for model in folder.judged if (table := _patient_table(folder, model)).rows]
    return Section("patients", "Patients", (Paragraph(intro), *tables))


def _patient_table(folder: Folder, model: str) -> Table:
    bad = POOLED in lookup.broken(folder, model)
    lines = [
        _patient_line(case, unit, metric, row, bad)
        for case in lookup.cases(folder, model)
        if not case.clean
        for unit, metric in UNITS
        if (row := cell(rows_of(folder, case), metric, unit=unit))
    ]
    columns = ("Attack", "Unit", "Metric", "Clean, %", "Attacked, %", "Drop, points", "Patients", "Note")
    return Table(f"{model}, pooled over magnifications; 95 % intervals over patients.", columns, tuple(lines))


def _patient_line(case: Case, unit: str, metric: str, row: Row, bad: bool) -> tuple[Cell, ...]:
    values = _before_after(row, bad)
    note = Cell("" if bad else str(row["note"]), muted=True)
    return (Cell(case.title), Cell(unit), Cell(metric), *values, count_cell(row["groups"]), note)


def _before_after(row: Row, bad: bool) -> tuple[Cell, Cell, Cell]:
    note = str(row["note"])
    clean = share_cell(row["clean"], row["clean_low"], row["clean_high"], rest(row), note)
    if bad:
        return clean, absent(), absent(DOES_NOT_WORK)
    attacked = share_cell(row["value"], row["low"], row["high"], rest(row), note)
    return clean, attacked, drop_cell(row["drop"], row["drop_low"], row["drop_high"], rest(row), note)


def subtypes(folder: Folder) -> Section:
    """Where it hurts: the share of each subtype that is called right, at the headline's budget."""
    tables: list[Block] = [t for model in folder.judged if (t := _subtype_table(folder, model)).rows]
    none = Paragraph("The data set names no subtypes.")
    return Section("subtypes", "Histological subtypes", tuple(tables) or (none,))


def _subtype_table(folder: Folder, model: str) -> Table:
    bad = POOLED in lookup.broken(folder, model)
    names = [str(name) for name in dict.fromkeys(folder.metrics["subtype"]) if name not in ("all", "")]
    lines = [
        (Cell(name.replace("_", " ")), Cell(case.title), *_before_after(row, bad), *_sizes(row))
        for name in names
        for case in lookup.reference(lookup.cases(folder, model))
        if (row := cell(rows_of(folder, case), "accuracy", subtype=name))
    ]
    columns = ("Subtype", "Attack", "Clean, %", "Attacked, %", "Drop, points", "Images", "Patients", "Note")
    caption = f"{model}: share of each subtype's images that is called right, pooled over magnifications."
    return Table(caption, columns, tuple(lines))


def _sizes(row: Row) -> tuple[Cell, Cell, Cell]:
    return count_cell(row["images"]), count_cell(row["groups"]), Cell(str(row["note"]), muted=True)
