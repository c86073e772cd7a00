"""Rates of images made from scratch as tables: what fools, beside its controls; sensitivity and specificity on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from robustgan.metrics import PEOPLE_NAMES
from robustgan.report import cases as lookup
from robustgan.report.document import Block, Cell, Paragraph, Table
from robustgan.report.folder import Folder, Row, records
from robustgan.report.words import absent, interval, sized

Heads = Mapping[tuple[str, str], str]  # (mode, metric): head of a column

LABELS: Heads = {  # what says whether the labels hold: all that is shown where they do not
    ("real", "oracle_floor"): "Oracle floor, real",
    ("natural", "oracle_accuracy"): "Oracles on natural (GAN-test)",
    ("natural", "victim_accuracy"): "Victim on natural (GAN-test)",
    ("natural", "gap"): "Gap, natural",
}
COLUMNS: Heads = {
    ("natural", "yield"): "Yield, natural",
    ("walked", "yield"): "Yield, walked",
    ("searched", "yield"): "Yield, searched",
    ("real", "fooling_rate"): "Victim wrong, real",
    ("natural", "fooling_rate"): "Fooling rate, natural",
    ("walked", "fooling_rate"): "Fooling rate, walked",
    ("searched", "fooling_rate"): "Fooling rate, searched",
    **LABELS,
}
RECOGNISED = {
    "sensitivity": "Sensitivity", "sensitivity_corrected": "Sensitivity, corrected",
    "sensitivity_corrected_people": "Sensitivity, corrected",
    "specificity": "Specificity", "specificity_corrected": "Specificity, corrected",
    "specificity_corrected_people": "Specificity, corrected",
}  # fmt: skip
MODES = {
    "real": "real (the floor)",
    "natural": "natural",
    "walked": "walked (random step as long as the search's)",
    "searched": "searched",
}
CORRECTION = (
    "Corrected: with the wrong labels taken out, supposing that as many are wrong as of the labels that the same "
    "oracles give to real images. A search looks for images on which oracles err: what is corrected still flatters it."
)


def tables(folder: Folder, rows: pd.DataFrame, identity: Row, heads: Heads) -> Iterator[Block]:
    """One row a label, one column a rate; magnifications apart are folded."""
    there = set(zip(rows["mode"], rows["metric"], strict=True))
    pairs = [pair for pair in heads if pair in there]
    names = ("Magnification", "Label", *(heads[pair] for pair in pairs))
    for chosen, folded in _scales(rows):
        lines = tuple(
            (Cell(scale), Cell(label), *(_rate(part, *pair) for pair in pairs))
            for scale in chosen
            for label in ("benign", "malignant", "both")
            if len(part := rows[(rows["magnification"] == scale) & (rows["label"] == label)])
        )
        yield Table(_caption(folder, identity, "", folded), names, lines, folded)


def recognised(folder: Folder, rows: pd.DataFrame, identity: Row) -> Iterator[Block]:
    """Sensitivity and specificity on accepted images, as counted and corrected; magnifications apart are folded."""
    rows = rows[rows["metric"].isin(RECOGNISED)]
    metrics = [metric for metric in RECOGNISED if metric in set(rows["metric"])]
    names = ("Magnification", "Images", *(_head(folder, metric) for metric in metrics))
    for chosen, folded in _scales(rows):
        lines = tuple(
            (Cell(scale), Cell(words), *(_rate(part, mode, metric) for metric in metrics))
            for scale in chosen
            for mode, words in MODES.items()
            if len(part := rows[(rows["magnification"] == scale) & (rows["mode"] == mode)])
        )
        what = "sensitivity and specificity on accepted images, "
        yield Table(_caption(folder, identity, what, folded), names, lines, folded)
    if "sensitivity_corrected" in metrics:
        yield Paragraph(CORRECTION, "note")


def _head(folder: Folder, metric: str) -> str:
    """Head of a column; what people corrected names them."""
    by = f", by people ({folder.rating.who})" if folder.rating and metric in PEOPLE_NAMES else ""
    return RECOGNISED[metric] + by


def _scales(rows: pd.DataFrame) -> list[tuple[list[str], bool]]:
    """Pooled (or the only magnification), then the rest, folded."""
    *apart, whole = lookup.magnifications(rows)
    return [([whole], False), *([(apart, True)] if apart else [])]


def _caption(folder: Folder, identity: Row, what: str, folded: bool) -> str:
    seeded = f", seed {identity['seed']}" if folder.fooling["seed"].nunique() > 1 else ""
    each = ", at each magnification" if folded else ""
    name = f"{lookup.shown(identity['attack'])} against {identity['model']}"
    return f"{name}{seeded}{each}: {what}% (95 % interval), n images."


def _rate(part: pd.DataFrame, mode: str, metric: str) -> Cell:
    found = part[(part["mode"] == mode) & (part["metric"] == metric)]
    if found.empty:
        return absent()
    row = records(found)[0]
    if row["value"] != row["value"]:
        return absent(str(row["note"]) or f"n = {int(row['images'])}")
    text = f"{interval(row['value'], row['low'], row['high'])}, n {int(row['images'])}"
    return Cell(text, float(row["value"]), hint=sized(row["images"]))
