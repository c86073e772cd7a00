"""Which way the answers turn, and what all attacks together reach."""

from __future__ import annotations

from robustgan.metrics import WORST
from robustgan.report import cases as lookup
from robustgan.report import pictures
from robustgan.report.cases import ALARMS, MISSED, SUCCESS, Case, cell, rows_of
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder, Row, Rows
from robustgan.report.sections.drops import DOES_NOT_WORK
from robustgan.report.words import absent, count_cell, rest, share_cell


def directions(folder: Folder) -> Section:
    """Missed cancers and false alarms: the two ways to be wrong, never added up without being shown apart."""
    intro = (
        "Counted on images that were right without an attack. A missed cancer is a malignant image that "
        "is called benign after the attack; a false alarm is a benign image that is called malignant."
    )
    names = lookup.magnifications(folder.metrics)
    found = [
        _direction_table(folder, model, part, folded)
        for model in folder.judged
        for part, folded in ((names[-1:], False), (names[:-1], True))
    ]
    tables = [table for table in found if table.rows]
    return Section("directions", "Missed cancers and false alarms", (Paragraph(intro), *tables))


def _direction_table(folder: Folder, model: str, magnifications: list[str], folded: bool) -> Table:
    bad = lookup.broken(folder, model)
    lines = [
        (Cell(case.title), Cell(m), *_direction_cells(rows_of(folder, case), m, m in bad))
        for case in lookup.cases(folder, model)
        if not case.clean
        for m in magnifications
    ]
    heads = ("Missed cancers, %", "Of found", "False alarms, %", "Of benign", "Attack success (both), %")
    where = ", by magnification" if folded else ""
    caption = f"{model}{where}: % of the images right when clean (95 % interval, clustered by patient)."
    return Table(caption, ("Attack", "Magnification", *heads), tuple(lines), folded)


def _direction_cells(rows: Rows, magnification: str, bad: bool) -> tuple[Cell, ...]:
    missed, alarms, both = (cell(rows, metric, magnification) for metric in (MISSED, ALARMS, SUCCESS))
    return (*_rate(missed, bad), *_rate(alarms, bad), _rate(both, bad)[0])


def _rate(row: Row | None, bad: bool) -> tuple[Cell, Cell]:
    """A rate as `12.0 (5.1-20.3)` and its count as `12 of 100`."""
    if row is None or bad:
        return absent(DOES_NOT_WORK if bad else ""), absent()
    images = int(row["images"])
    rate = share_cell(row["value"], row["low"], row["high"], rest(row), str(row["note"]))
    turned = f"{round(row['value'] * images):,} of {images:,}" if images else "0 of 0"
    return rate, Cell(turned, float(images), hint=rest(row))


def worst(folder: Folder) -> Section:
    """The point-wise worst case: an image counts as robust only if no attack of that budget turns it."""
    title = "Worst case over all attacks"
    intro = (
        "An image counts as right here only if every attack at that budget leaves it right (Carlini "
        "2019), so this is never better than the strongest single attack. It is taken at the largest "
        "budget that two or more attacks share."
    )
    lines = [
        (Cell(model), *_worst_line(folder, case, m, m in lookup.broken(folder, model)))
        for model in folder.judged
        for case in lookup.cases(folder, model)
        if case.attack == WORST
        for m in lookup.magnifications(folder.metrics)
    ]
    if not lines:
        none = "There is no worst case: it takes two attacks that share a budget."
        return Section("worst", title, (Paragraph(none),))
    heads = [f"{metric.capitalize()} left, %" for metric in pictures.DROPS]
    columns = ("Classifier", "Budget", "Magnification", *heads, "Images", "Patients")
    table = Table("What is left under the worst of all attacks, % (95 % interval).", columns, tuple(lines))
    blocks: tuple[Block, ...] = (Paragraph(intro), table)
    return Section("worst", title, blocks)


def _worst_line(folder: Folder, case: Case, magnification: str, bad: bool) -> tuple[Cell, ...]:
    found = [cell(rows_of(folder, case), metric, magnification) for metric in pictures.DROPS]
    size = found[-1]
    ends = (absent(), absent()) if size is None else (count_cell(size["images"]), count_cell(size["groups"]))
    where = (Cell(lookup.budget(case.norm, case.eps), case.eps), Cell(magnification))
    return (*where, *(_left(row, bad) for row in found), *ends)


def _left(row: Row | None, bad: bool) -> Cell:
    if row is None or bad:
        return absent(DOES_NOT_WORK if bad else "")
    return share_cell(row["value"], row["low"], row["high"], rest(row), str(row["note"]))
