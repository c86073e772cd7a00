"""Do images that fool one classifier fool others, whose weights the attacker never had?"""

from __future__ import annotations

from robustgan.report import cases as lookup
from robustgan.report import pictures
from robustgan.report.cases import ALARMS, MISSED, POOLED, SUCCESS, Case, cell, rows_of
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder, Row
from robustgan.report.sections.controls import noise_for, success_of
from robustgan.report.sections.drops import DOES_NOT_WORK
from robustgan.report.words import absent, points, rest, share_cell, value_cell


def sections(folder: Folder) -> tuple[Section, ...]:
    """The transfer matrix and its numbers, beside the attack at home and noise; nothing where there is no transfer."""
    title = "Transfer: made against one classifier, judged by another"
    lines = [
        _line(folder, case)
        for model in folder.judged
        for case in lookup.transfers(folder, model)
        if case.eps == case.eps
    ]
    if not lines:
        return ()
    intro = (
        "An attacker may not have the classifier but another one for the same task. Images made against the one are "
        "shown to the other; counted are images that the judging classifier had right. Beside it: what the same "
        "attack reaches where it was made, and what noise of that size does to the judging classifier."
    )
    columns = (
        "Attack", "Made against", "Judged by", "Turned, %", "Missed cancers, %", "False alarms, %",
        "On its own classifier, %", "Above noise, points",
    )  # fmt: skip
    blocks: list[Block] = [Paragraph(intro)]
    matrices = pictures.transfer(folder)
    if matrices is not None:
        blocks.append(matrices)
    caption = "Pooled: % of the images right when clean that are turned (95 % interval, clustered by patient)."
    table = Table(caption, columns, tuple(lines), len(lines) > 12)
    return (Section("transfer", title, (*blocks, table)),)


def _line(folder: Folder, case: Case) -> tuple[Cell, ...]:
    names = (Cell(case._replace(source=case.model).title), Cell(case.source), Cell(case.model))
    if POOLED in lookup.broken(folder, case.model):
        return (*names, *(absent(DOES_NOT_WORK) for _ in range(5)))
    rates = []
    for metric in (SUCCESS, MISSED, ALARMS):
        row = cell(rows_of(folder, case), metric)
        rates.append(_rate(row))
    home = cell(rows_of(folder, case._replace(model=case.source)), SUCCESS)
    own = _rate(home)
    control = noise_for(case, lookup.cases(folder, case.model))
    gain = success_of(folder, case) - success_of(folder, control) if control else None
    above = absent("no control at this budget") if gain is None else value_cell(gain, points(gain), rates[0].hint)
    return (*names, *rates, own, above)


def _rate(row: Row | None) -> Cell:
    return absent() if row is None else share_cell(row["value"], row["low"], row["high"], rest(row), str(row["note"]))
