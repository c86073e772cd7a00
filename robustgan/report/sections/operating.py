"""From which P(malignant) on is an image called malignant, and does that probability mean what it says?"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report.cases import Case, cell, rows_of
from robustgan.report.clustered import part
from robustgan.report.document import Block, Cell, Figure, Paragraph, Picture, Section, Table
from robustgan.report.figures import reliability
from robustgan.report.figures.reliability import Points
from robustgan.report.folder import HALF, Folder, Row
from robustgan.report.pictures import keep
from robustgan.report.sections import decision, headline
from robustgan.report.words import absent, count, plain, rest

ROWS = {"brier": "Brier score", "ece": "Calibration error (ECE)"}
INTRO = (
    "The threshold is applied as it is before and after an attack. One half is shown beside the threshold that was "
    "chosen: verdicts are read again from the same scores, while the attacks stay those that were made against the "
    "threshold of the run."
)
RELIABILITY = (
    "Reliability: bins of equally many images, with 95 % intervals clustered by patient. On the dotted line "
    "P(malignant) is the share of malignant images."
)


def section(folder: Folder) -> Section:
    """Thresholds, then calibration where it was measured."""
    blocks: list[Block] = [Paragraph(INTRO)]
    for model in folder.judged:
        blocks += [Paragraph(_words(folder, model)), _thresholds(folder, model)]
    return Section(
        "operating", "Operating point and calibration", (*blocks, *_calibration(folder), *decision.figures(folder))
    )


def rule_of(folder: Folder, model: str) -> str:
    """How the threshold was chosen, in a few words."""
    rule = folder.operating(model).get("rule")
    told = rule if isinstance(rule, dict) else {"rule": rule}
    if told.get("rule") == "sensitivity":
        return f"sensitivity at least {told.get('sensitivity', '?')} on validation patients"
    return "Youden on validation patients" if told.get("rule") == "youden" else "not chosen: one half"


def _words(folder: Folder, model: str) -> str:
    found = folder.operating(model)
    if not found:
        return f"{model}: malignant from P(malignant) {HALF:g}. No operating point was chosen for it."
    sizes = [
        f"{count(found[name], one)}" for name, one in (("images", "image"), ("groups", "patient")) if name in found
    ]
    where = f", on {' of '.join(sizes)} of the validation sides," if sizes else ""
    return (
        f"{model}: malignant from P(malignant) {plain(folder.threshold(model))}, chosen{where} before any test image "
        f"was judged ({rule_of(folder, model)})."
    )


def _thresholds(folder: Folder, model: str) -> Table:
    rival = headline.strongest(folder, model)
    found = lookup.cases(folder, model)
    shown = rival or next((case for case in found if case.clean), found[0])
    rows, used = lookup.of(folder.predictions, shown), folder.threshold(model)
    columns = {"Clean": "clean_score"} | ({rival.title: "score"} if rival else {})
    lines = [
        _line(name, rows.assign(score=rows[column]), threshold, "the run's" if threshold == used else "for comparison")
        for name, column in columns.items()
        for threshold in dict.fromkeys((used, HALF))
    ]
    heads = ("Attack", "Threshold", "Which", "Sensitivity, %", "Specificity, %")
    caption = f"{model}: at its operating point, and at 0.5 (95 % interval, clustered by patient)."
    return Table(caption, heads, tuple(lines))


def _line(name: str, rows: pd.DataFrame, threshold: float, which: str) -> tuple[Cell, ...]:
    cells = []
    for label in (1, 0):
        mine = rows[rows["label"] == label]
        called = (mine["score"] >= threshold).to_numpy()
        cells.append(part(mine["group"], called if label else ~called).cell)
    return (Cell(name), Cell(plain(threshold), threshold), Cell(which), *cells)


def _calibration(folder: Folder) -> list[Block]:
    lines = [
        line
        for model in folder.judged
        for case in lookup.cases(folder, model)
        if not case.clean
        for line in _errors(folder, case)
    ]
    pictures = [picture for model in folder.judged for picture in _drawn(folder, model)]
    columns = ("Classifier", "Attack", "Measure", "Clean", "Attacked", "Images")
    caption = "Calibration before and after, pooled (95 % interval); 0 is perfect, a larger number is worse."
    blocks: list[Block] = [Figure(tuple(pictures), RELIABILITY)] if pictures else []
    blocks += [Table(caption, columns, tuple(lines), len(lines) > 12)] if lines else []
    return blocks or [Paragraph("Calibration was not measured in this run.")]


def _errors(folder: Folder, case: Case) -> Iterator[tuple[Cell, ...]]:
    for metric, name in ROWS.items():
        if row := cell(rows_of(folder, case), metric):
            ends = (_number(row, "clean", "clean_"), _number(row, "value", ""))
            yield (
                Cell(case.model),
                Cell(case.title),
                Cell(name),
                *ends,
                Cell(f"{row['images']:,}", float(row["images"])),
            )


def _number(row: Row, name: str, stem: str) -> Cell:
    value, low, high = float(row[name]), float(row[f"{stem}low"]), float(row[f"{stem}high"])
    if value != value:
        return absent(str(row["note"]))
    return Cell(f"{value:.3f}" + ("" if low != low else f" ({low:.3f} to {high:.3f})"), value, hint=rest(row))


def _drawn(folder: Folder, model: str) -> Iterator[Picture]:
    """The reliability curve of the headline's attack."""
    case = headline.strongest(folder, model)
    if case is None or folder.calibration.empty:
        return
    found = lookup.of(folder.calibration, case).sort_values("bin")
    curves = [
        Points(which, *(rows[name].tolist() for name in ("score", "share", "low", "high")))
        for which in reliability.LOOKS
        if len(rows := found[found["which"] == which])
    ]
    if curves:
        alt = "; ".join(_alt(curve) for curve in curves)
        title = f"{model}: clean and {case.title}"
        yield keep(folder, reliability.draw(curves, title), "reliability", model, f"Reliability of {title}. {alt}.")


def _alt(curve: Points) -> str:
    pairs = ", ".join(f"{score:.2f} {share:.2f}" for score, share in zip(curve.score, curve.share, strict=True))
    return f"{curve.name}, mean P(malignant) and share of malignant images: {pairs}"
