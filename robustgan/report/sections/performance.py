"""How the classifier does without an attack: the ground that every drop stands on."""

from __future__ import annotations

from robustgan.report import cases as lookup
from robustgan.report.cases import cell
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder, Row, Rows
from robustgan.report.words import absent, count_cell, share_cell

METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "auroc": "AUROC",
}


def section(folder: Folder) -> Section:
    """The clean table of each classifier."""
    blocks: list[Block] = [table for model in folder.models if (table := clean_table(folder, model)).rows]
    return Section("clean", "Clean performance", tuple(blocks) or (Paragraph("No image was judged."),))


def clean_table(folder: Folder, model: str) -> Table:
    """One row a magnification and pooled, with 95 % intervals clustered by patient."""
    rows = clean_rows(folder, model)
    bad = lookup.broken(folder, model)
    lines = []
    for magnification in lookup.magnifications(folder.metrics) if len(rows) else []:
        found = {metric: cell(rows, metric, magnification) for metric in METRICS}
        size = found["accuracy"]
        images, groups = (
            (absent(), absent()) if size is None else (count_cell(size["images"]), count_cell(size["groups"]))
        )
        why = bad.get(magnification)
        verdict = Cell("yes") if why is None else Cell(f"no: {why}")
        notes = Cell(_notes(list(found.values())) if why is None else "", muted=True)
        lines.append(
            (Cell(magnification), *(_clean(row) for row in found.values()), images, groups, verdict, notes)
        )
    caption = (
        f"{model} without an attack: % (95 % interval, clustered by patient) on patients never seen in training; "
        "threshold 0.5."
    )
    return Table(
        caption, ("Magnification", *METRICS.values(), "Images", "Patients", "Works", "Note"), tuple(lines)
    )


def clean_rows(folder: Folder, model: str) -> Rows:
    """METRICS rows that hold the clean values: those of the attack `clean`, or of any paired attack."""
    found = lookup.cases(folder, model)
    own = [case for case in found if case.clean] or found
    return lookup.rows_of(folder, own[0]) if own else {}


def _clean(row: Row | None) -> Cell:
    return (
        absent()
        if row is None
        else share_cell(row["clean"], row["clean_low"], row["clean_high"], _reason(row))
    )


def _notes(rows: list[Row | None]) -> str:
    return "; ".join(dict.fromkeys(str(row["note"]) for row in rows if row and row["note"]))


def _reason(row: Row) -> str:
    return str(row["note"]) or f"n = {int(row['images'])}"
