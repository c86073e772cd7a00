"""Data card: what there is, what was set apart, and whether patients leak."""

from __future__ import annotations

import pandas as pd

from robustgan.gates.origin import CLAIM
from robustgan.report.document import Block, Cell, Items, Paragraph, Section, Table
from robustgan.report.folder import Folder, records
from robustgan.report.words import count, count_cell

SIDES = {0: "benign", 1: "malignant"}
NAMED = 10  # files named under one finding; the manifest has them all


def section(folder: Folder) -> Section:
    """Counts, split, findings, leaks."""
    images = folder.folds.drop_duplicates("path")
    blocks: list[Block] = [
        _counts(images),
        _subtypes(images),
        _splits(folder.folds),
        *_findings(images),
        *_leaks(folder.leaks),
        *_elsewhere(folder),
    ]
    return Section("data", "Data card", tuple(block for block in blocks if not isinstance(block, Table) or block.rows))


def _sized(part: pd.DataFrame) -> Cell:
    groups = part["group"].nunique()
    return Cell(f"{len(part):,} ({groups:,})", float(len(part)))


def _counts(images: pd.DataFrame) -> Table:
    factors = sorted(images["magnification"].unique())
    names = [f"{factor}X" if factor else "unknown" for factor in factors]
    rows = [
        (Cell(side), *(_sized(part[part["magnification"] == m]) for m in factors), _sized(part))
        for label, side in SIDES.items()
        for part in [images[images["label"] == label]]
    ]
    rows.append((Cell("both"), *(_sized(images[images["magnification"] == m]) for m in factors), _sized(images)))
    return Table(
        "Images (patients) by class and magnification, before any is set apart.",
        ("Class", *names, "all"),
        tuple(rows),
    )


def _subtypes(images: pd.DataFrame) -> Table:
    rows = [
        (
            Cell(str(subtype).replace("_", " ")),
            Cell(SIDES[int(part["label"].iloc[0])]),
            count_cell(len(part)),
            count_cell(part["group"].nunique()),
        )
        for subtype, part in images.groupby("subtype")
        if subtype
    ]
    return Table(
        "Images and patients by histological subtype.",
        ("Subtype", "Class", "Images", "Patients"),
        tuple(rows),
    )


def _splits(folds: pd.DataFrame) -> Table:
    order = [name for name in ("train", "val", "test", "excluded") if (folds["split"] == name).any()]
    rows = []
    for number in sorted(set(folds["fold"])):
        part = folds[folds["fold"] == number]
        rows.append((_fold(number), *(_sized(part[part["split"] == name]) for name in order)))
    return Table("Images (patients) on each side of each fold.", ("Fold", *order), tuple(rows))


def _findings(images: pd.DataFrame) -> list[Block]:
    apart = images[images["finding"] != ""]
    if apart.empty:
        return [Paragraph("No image was set apart: every file was read and parsed.")]
    lines = []
    for finding, part in apart.groupby("finding"):
        names = ", ".join(part["path"].iloc[:NAMED])
        more = f" and {len(part) - NAMED} more (evidence/manifest.parquet)" if len(part) > NAMED else ""
        lines.append(f"{finding}: {count(len(part), 'image')}: {names}{more}")
    return [
        Paragraph(f"{count(len(apart), 'image was', 'images were')} set apart, in no split:"),
        Items(tuple(lines)),
    ]


def _leaks(leaks: pd.DataFrame) -> list[Block]:
    if leaks.empty:
        return []
    total = int(leaks["leaked"].sum())
    rows = tuple(
        (
            _fold(r["fold"]),
            Cell(r["identity"]),
            Cell(r["split"]),
            count_cell(r["images"]),
            count_cell(r["leaked"]),
        )
        for r in records(leaks)
    )
    caption = "Images of a split whose patient, slide or bytes are also in training."
    table = Table(caption, ("Fold", "Identity", "Split", "Images", "Also in train"), rows)
    if not total:
        text = "No patient, slide or image of the validation and test sides is also on the training side."
        return [Paragraph(text), table]
    text = (
        "This split leaks: images of validation or test share a patient, slide or file with training. "
        "Numbers without an attack are too good."
    )
    return [Paragraph(text, "warning"), table]


def _elsewhere(folder: Folder) -> list[Block]:
    """What no split of this run can show: what classifiers saw that were trained elsewhere."""
    said = (f"{name} {why}: {CLAIM}." for name, why in folder.elsewhere.items())
    return [Paragraph(f"What it was trained on is unknown. {text}", "warning") for text in said]


def _fold(number: int) -> Cell:
    return Cell(str(number), float(number))
