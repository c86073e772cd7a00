"""Which way the answers turn, for whom, and what all attacks together reach."""

from __future__ import annotations

import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report import pictures
from robustgan.report.cases import ALARMS, MISSED, POOLED, SUCCESS, WORST, Case, cell, rows_of
from robustgan.report.document import Block, Cell, Figure, Paragraph, Section, Table
from robustgan.report.folder import Folder
from robustgan.report.sections.drops import DOES_NOT_WORK
from robustgan.report.words import absent, count_cell, drop_cell, share_cell

UNITS = {"patient recognition": ("accuracy",), "patient diagnosis": ("accuracy", "sensitivity", "specificity")}


def directions(folder: Folder) -> Section:
    """Missed cancers and false alarms: the two ways to be wrong, never added up without being shown apart."""
    intro = (
        "Counted on images that were right without an attack. A missed cancer is a malignant image that is called benign "
        "after the attack; a false alarm is a benign image that is called malignant."
    )
    tables = [table for model in _judged(folder) if (table := _direction_table(folder, model)).rows]
    return Section("directions", "Missed cancers and false alarms", (Paragraph(intro), *tables))


def _judged(folder: Folder) -> list[str]:
    return [str(model) for model in dict.fromkeys(folder.predictions["model"])]


def _direction_table(folder: Folder, model: str) -> Table:
    bad = lookup.broken(folder, model)
    lines = [
        (
            Cell(case.title),
            Cell(magnification),
            *_rate(cell(rows_of(folder.metrics, case), MISSED, magnification), magnification in bad),
            *_rate(cell(rows_of(folder.metrics, case), ALARMS, magnification), magnification in bad),
            _rate(cell(rows_of(folder.metrics, case), SUCCESS, magnification), magnification in bad)[0],
        )
        for case in lookup.cases(folder, model)
        if not case.clean
        for magnification in lookup.magnifications(folder.metrics)
    ]
    columns = (
        "Attack", "Magnification", "Missed cancers, %", "of", "False alarms, %", "of", "Attack success (both), %",
    )  # fmt: skip
    return Table(f"{model}: % of the images right when clean (95 % interval, clustered by patient).", columns, tuple(lines))


def _rate(row: pd.Series | None, bad: bool) -> tuple[Cell, Cell]:
    """A rate as `12.0 (5.1-20.3)` and its count as `12 of 100`."""
    if row is None or bad:
        return absent(DOES_NOT_WORK if bad else ""), absent()
    images = int(row["images"])
    rate = share_cell(row["value"], row["low"], row["high"], str(row["note"]))
    turned = Cell(f"{round(row['value'] * images):,} of {images:,}", row["value"] * images) if images else Cell("0 images", 0)
    return rate, turned


def worst(folder: Folder) -> Section:
    """The point-wise worst case: an image counts as robust only if no attack of that budget turns it."""
    lines = [
        (Cell(model), *_worst_line(folder, case, magnification, magnification in lookup.broken(folder, model)))
        for model in _judged(folder)
        for case in lookup.cases(folder, model)
        if case.attack == WORST
        for magnification in lookup.magnifications(folder.metrics)
    ]
    intro = "An image counts as right here only if every attack at that budget leaves it right. No single attack does better."
    blocks: list[Block] = [Paragraph(intro)]
    if lines:
        columns = ("Classifier", "Budget", "Magnification", *(f"{m.capitalize()}, % (drop)" for m in pictures.DROPS), "Images", "Patients")
        blocks.append(Table("Under the worst of all attacks, % (95 % interval).", columns, tuple(lines)))
    else:
        blocks = [Paragraph("There is no worst case without at least one attack with a budget.")]
    return Section("worst", "Worst case over all attacks", tuple(blocks))


def _worst_line(folder: Folder, case: Case, magnification: str, bad: bool) -> tuple[Cell, ...]:
    found = [cell(rows_of(folder.metrics, case), metric, magnification) for metric in pictures.DROPS]
    size = found[-1]
    shares = [absent(DOES_NOT_WORK if bad else "") if bad or row is None else _share(row) for row in found]
    ends = (absent(), absent()) if size is None else (count_cell(size["images"]), count_cell(size["groups"]))
    return (Cell(lookup.budget(case.norm, case.eps), case.eps), Cell(magnification), *shares, *ends)


def _share(row: pd.Series) -> Cell:
    return share_cell(row["value"], row["low"], row["high"], str(row["note"]))


def patients(folder: Folder) -> Section:
    """Per patient: two numbers that share a unit and nothing else, so each keeps its name."""
    intro = (
        "Patient recognition is the mean over patients of the share of their images that are right (Spanhol 2016); it "
        "is no diagnosis. Patient diagnosis calls a patient malignant when the mean P(malignant) of their images is at least "
        "0.5; patients with images of both classes are judged by the definition under Metrics."
    )
    tables = [table for model in _judged(folder) if (table := _patient_table(folder, model)).rows]
    return Section("patients", "Patients", (Paragraph(intro), *tables))


def _patient_table(folder: Folder, model: str) -> Table:
    bad = lookup.broken(folder, model)
    shown = [case for case in lookup.cases(folder, model) if not case.clean]
    lines = [
        line
        for case in shown
        for unit, metrics in UNITS.items()
        for metric in metrics
        if (line := _unit_line(folder, case, unit, metric, POOLED in bad))
    ]
    columns = ("Attack", "Unit", "Metric", "Clean, %", "Attacked, %", "Drop, points", "Patients")
    return Table(f"{model}, pooled over magnifications; 95 % intervals over patients.", columns, tuple(lines))


def _unit_line(folder: Folder, case: Case, unit: str, metric: str, bad: bool) -> tuple[Cell, ...]:
    rows = rows_of(folder.metrics, case)
    row = cell(rows, metric, unit=unit)
    if row is None:
        row = cell(rows, unit.replace(" ", "_"), unit=unit)
    if row is None:
        return ()
    return (Cell(case.title), Cell(unit), Cell(metric.capitalize()), *_before_after(row, bad), count_cell(row["groups"]))


def _before_after(row: pd.Series, bad: bool) -> tuple[Cell, Cell, Cell]:
    note = str(row["note"])
    clean = share_cell(row["clean"], row["clean_low"], row["clean_high"], note)
    if bad:
        return clean, absent(), absent(DOES_NOT_WORK)
    return clean, _share(row), drop_cell(row["drop"], row["drop_low"], row["drop_high"], note)


def subtypes(folder: Folder) -> Section:
    """Where it hurts: recall of each histological subtype at the budget of the headline."""
    blocks: list[Block] = []
    for model in _judged(folder):
        bad = lookup.broken(folder, model)
        table = _subtype_table(folder, model, POOLED in bad)
        blocks += [table] if table.rows else []
    none = Paragraph("The data set names no subtypes.")
    return Section("subtypes", "Histological subtypes", tuple(blocks) or (none,))


def _subtype_table(folder: Folder, model: str, bad: bool) -> Table:
    names = [name for name in dict.fromkeys(folder.metrics["subtype"]) if name not in ("all", "")]
    lines = [
        (Cell(name.replace("_", " ")), Cell(case.title), *_before_after(row, bad), count_cell(row["images"]), count_cell(row["groups"]))
        for name in names
        for case in lookup.reference(lookup.cases(folder, model))
        if (row := cell(rows_of(folder.metrics, case), "accuracy", subtype=name)) is not None
    ]
    columns = ("Subtype", "Attack", "Clean, %", "Attacked, %", "Drop, points", "Images", "Patients")
    caption = f"{model}: accuracy within a subtype (all of its images have one label), pooled over magnifications."
    return Table(caption, columns, tuple(lines))


def gallery(folder: Folder) -> Section:
    """What the attacks look like."""
    drawn: list[Figure] = [figure for model in _judged(folder) if (figure := pictures.examples(folder, model))]
    credit = [Paragraph(f"Images: {folder.run['citation']}", "note")] if drawn and folder.run["citation"] else []
    none = Paragraph("This run kept no example images (`gallery: 0`, or nothing was attacked).")
    return Section("gallery", "Gallery", (*drawn, *credit) if drawn else (none,))
