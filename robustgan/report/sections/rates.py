"""Rates of images made from scratch as tables: what fools, beside its controls; sensitivity and specificity on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from robustgan.metrics import PEOPLE_NAMES
from robustgan.metrics.estimates import clipped
from robustgan.report import cases as lookup
from robustgan.report.document import Block, Cell, Paragraph, Table
from robustgan.report.faithfulness import Seen, seen
from robustgan.report.folder import Folder, Row, records
from robustgan.report.words import absent, drop_cell, interval, percent, sized
from robustgan.statistics import Interval, Term, square_and_add

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
SEARCHED, FLOOR = ("searched", "fooling_rate"), ("real", "oracle_floor")
ABOVE = "Searched minus oracle floor, points"  # what of a searched rate is not the oracles' own error
RECOGNISED = {
    "sensitivity": "Sensitivity", "sensitivity_corrected": "Sensitivity, corrected",
    "sensitivity_corrected_people": "Sensitivity, corrected",
    "specificity": "Specificity", "specificity_corrected": "Specificity, corrected",
    "specificity_corrected_people": "Specificity, corrected",
}  # fmt: skip
RESTS_ON = {"sensitivity": "malignant", "specificity": "benign"}  # labels; what is corrected rests on both
MODES = {
    "real": "real (the floor)",
    "natural": "natural",
    "walked": "walked (random step as long as the search's)",
    "searched": "searched",
}
FLOORED = (
    f"{ABOVE}: the floor is how often all oracles are sure of a wrong label of a real image, which alone would pass "
    "for fooling. Generated images and real patients are drawn apart: the interval is square-and-add of both."
)
CORRECTION = (
    "Corrected: with the wrong labels taken out, supposing that as many are wrong as of the labels that the same "
    "oracles give to real images. A search looks for images on which oracles err: what is corrected still flatters it."
)


def tables(folder: Folder, rows: pd.DataFrame, identity: Row, heads: Heads) -> Iterator[Block]:
    """One row a label, one column a rate; magnifications apart are folded.

    Rates of a class and magnification where labels do not hold are blank and say why; real images keep theirs.
    """
    there = set(zip(rows["mode"], rows["metric"], strict=True))
    pairs = [pair for pair in heads if pair in there]
    above = [ABOVE] if {SEARCHED, FLOOR} <= set(pairs) else []
    names = ("Magnification", "Label", *(heads[pair] for pair in pairs), *above)
    for chosen, folded in _scales(rows):
        lines = tuple(
            (
                Cell(scale),
                Cell(label),
                *(_rate(part, *pair, None if pair in LABELS else known) for pair in pairs),
                *(_above(part, known) for _ in above),
            )
            for scale in chosen
            for label in ("benign", "malignant", "both")
            if len(part := rows[(rows["magnification"] == scale) & (rows["label"] == label)])
            for known in [seen(rows, label, scale)]
        )
        yield Table(_caption(folder, identity, "", folded), names, lines, folded)
    if above:
        yield Paragraph(FLOORED, "note")


def recognised(folder: Folder, rows: pd.DataFrame, identity: Row) -> Iterator[Block]:
    """Sensitivity and specificity on accepted images, as counted and corrected; magnifications apart are folded."""
    every, rows = rows, rows[rows["metric"].isin(RECOGNISED)]
    metrics = [metric for metric in RECOGNISED if metric in set(rows["metric"])]
    names = ("Magnification", "Images", *(_head(folder, metric) for metric in metrics))
    for chosen, folded in _scales(rows):
        lines = tuple(
            (Cell(scale), Cell(words), *(_rate(part, mode, metric, known[metric]) for metric in metrics))
            for scale in chosen
            for known in [{metric: seen(every, RESTS_ON.get(metric, "both"), scale) for metric in metrics}]
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


def _rate(part: pd.DataFrame, mode: str, metric: str, known: Seen | None) -> Cell:
    """A rate; `known` says how far the labels hold that it rests on, None where it rests on none."""
    row = _row(part, mode, metric)
    if row is None:
        return absent()
    if known and mode != "real" and not known.holds:
        return _doubtful(known)
    if row["value"] != row["value"]:
        return absent(str(row["note"]) if metric.endswith("_corrected") else f"n = {int(row['images'])}")
    text = f"{interval(row['value'], row['low'], row['high'])}, n {int(row['images'])}"
    return Cell(text, float(row["value"]), hint=sized(row["images"]))


def _row(part: pd.DataFrame, mode: str, metric: str) -> Row | None:
    found = part[(part["mode"] == mode) & (part["metric"] == metric)]
    return None if found.empty else records(found)[0]


def _above(part: pd.DataFrame, known: Seen) -> Cell:
    """Searched fooling rate less the oracle floor of the same label, in points."""
    searched, floor = _row(part, *SEARCHED), _row(part, *FLOOR)
    if searched is None or floor is None:
        return absent()
    if not known.holds:
        return _doubtful(known)
    first, second = (Term(w, r["value"], Interval(r["low"], r["high"])) for w, r in ((1, searched), (-1, floor)))
    ends = clipped(square_and_add(first, second), -1)
    of = f"{sized(searched['images'])} searched, {sized(floor['images'])} real"
    return drop_cell(searched["value"] - floor["value"], *ends, of, "n = 0")


def _doubtful(known: Seen) -> Cell:
    """In the place of a rate whose labels do not hold."""
    if known.share != known.share:
        return absent(f"no oracle judged unfiltered {known.label} images")
    return absent(f"labels do not hold: {known.label} {percent(known.share)} %")
