"""How the classifier does without an attack: the ground that every drop stands on."""

from __future__ import annotations

from robustgan.report import cases as lookup
from robustgan.report.cases import cell
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder, Row, Rows
from robustgan.report.words import absent, plain, rest, share_cell

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
    rows, bad = clean_rows(folder, model), lookup.broken(folder, model)
    names = lookup.magnifications(folder.metrics) if rows else []
    lines = tuple(_line(rows, name, bad.get(name)) for name in names)
    caption = (
        f"{model} without an attack: % (95 % interval, clustered by patient) on the test images; threshold "
        f"{plain(folder.threshold(model))}."
    )
    return Table(caption, ("Magnification", *METRICS.values(), "Images (patients)", "Works", "Note"), lines)


def _line(rows: Rows, magnification: str, why: str | None) -> tuple[Cell, ...]:
    found = [cell(rows, metric, magnification) for metric in METRICS]
    size = found[0]
    counts = f"{int(size['images']):,} ({int(size['groups']):,})" if size else "0"
    works = Cell("yes" if why is None else "no")
    said = "; ".join(dict.fromkeys(str(row["note"]) for row in found if row and row["note"]))
    notes = said if why is None else "" if why.startswith("balanced accuracy") else why
    ends = (Cell(counts, size["images"] if size else 0.0), works, Cell(notes, muted=True))
    return (Cell(magnification), *(_clean(row) for row in found), *ends)


def clean_rows(folder: Folder, model: str) -> Rows:
    """METRICS rows that hold the clean values: those of the attack `clean`, or of any paired attack."""
    found = lookup.cases(folder, model)
    own = [case for case in found if case.clean] or found
    return lookup.rows_of(folder, own[0]) if own else {}


def _clean(row: Row | None) -> Cell:
    if row is None:
        return absent()
    return share_cell(row["clean"], row["clean_low"], row["clean_high"], rest(row), str(row["note"]))
