"""Checklists of others, item by item: what this report speaks to, what was not measured, what takes a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from robustgan.report.crosswalk import CROSSWALKS, EVIDENCE, MANUAL, Item
from robustgan.report.document import Block, Cell, Paragraph, Section, Status, Table
from robustgan.report.folder import Folder

REPORTED, LACKING = "reported", "not in this run"
MARKS: Mapping[str, Status] = {REPORTED: "good", LACKING: "poor", MANUAL: "open"}
INTRO = (
    "Items of published checklists that such an evaluation touches, in our words, and where this report speaks to "
    "them. Reported: there is something to read; that says neither good nor enough. Manual: it takes a person; nothing "
    "here ticks it. This is no claim of compliance with any of them."
)


def section(folder: Folder, before: Sequence[Section]) -> Section:
    """One folded table a checklist.

    Args:
        folder: the run.
        before: the report's other sections, to which the tables point.
    """
    titles = {other.anchor: other.title for other in before}
    tables: list[Block] = [_table(folder, name, items, titles) for name, items in CROSSWALKS.items()]
    return Section("crosswalks", "Checklists, item by item", (Paragraph(INTRO), *tables))


def state(folder: Folder, item: Item, titles: Mapping[str, str]) -> str:
    """Whether an item is reported: never where a person must judge, or where the run lacks the evidence."""
    if item.where == MANUAL:
        return MANUAL
    return REPORTED if item.where in titles and EVIDENCE[item.needs](folder) else LACKING


def _table(folder: Folder, name: str, items: Sequence[Item], titles: Mapping[str, str]) -> Table:
    found = [state(folder, item, titles) for item in items]
    rows = tuple(
        (Cell(item.text), Cell(word, status=MARKS[word]), Cell(titles.get(item.where, "") if word == REPORTED else ""))
        for item, word in zip(items, found, strict=True)
    )
    counted = Counter(found)
    summary = ", ".join(f"{counted[word]} {word}" for word in (REPORTED, LACKING, MANUAL) if counted[word])
    return Table(f"{name}: {summary}", ("Item", "State", "Where"), rows, folded=True)
