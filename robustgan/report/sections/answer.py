"""The answer, before everything else: in plain words, from the numbers."""

from __future__ import annotations

import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report.cases import ALARMS, MISSED, POOLED, SUCCESS, Case, cell, rows_of
from robustgan.report.document import Block, Paragraph, Section, Tile, Tiles
from robustgan.report.folder import Folder
from robustgan.report.words import count, interval, listed, percent, points


def section(folder: Folder) -> Section:
    """What stands on top of the report."""
    blocks: list[Block] = [*_failures(folder)]
    if folder.predictions.empty:
        blocks.append(Paragraph("No image was judged: there is nothing to conclude from this run.", "warning"))
    for model in dict.fromkeys(folder.predictions["model"]):
        blocks += _model(folder, str(model))
    return Section("answer", "The answer", tuple(blocks))


def _failures(folder: Folder) -> list[Block]:
    names = [str(failure.get("stage", "?")) for failure in folder.run["failures"]]
    if not names:
        return []
    text = f"{count(len(names), 'stage')} of this run failed: {listed(names[:6])}{', ...' if len(names) > 6 else ''}."
    return [Paragraph(f"{text} What depends on a failed stage is missing below; the reasons are under Failures.", "warning")]


def _model(folder: Folder, model: str) -> list[Block]:
    bad = lookup.broken(folder, model)
    blocks: list[Block] = [warning for warning in [_warning(model, bad)] if warning]
    clean = _working_words(folder, model)
    if POOLED in bad:
        return [*blocks, Paragraph(f"{clean} Because the classifier itself does not work, no drop is read from it.", "lead")]
    rival = strongest(folder, model)
    if rival is None:
        return [*blocks, Paragraph(f"{clean} Nothing attacked it.", "lead")]
    words = [clean, _attack_words(folder, rival), *_other_words(folder, model, rival), _place_words(folder, rival, bad)]
    return [*blocks, Tiles(_tiles(folder, rival)), Paragraph(" ".join(filter(None, words)), "lead")]


def _warning(model: str, bad: dict[str, str]) -> Paragraph | None:
    if not bad:
        return None
    if POOLED in bad:
        text = f"The classifier {model} does not work on unseen patients: {bad[POOLED]}. "
        return Paragraph(text + "A classifier that does not work cannot lose anything: drops are shown as n/a.", "warning")
    where = "; ".join(f"{name}: {why}" for name, why in bad.items())
    text = f"The classifier {model} does not work on unseen patients everywhere ({where}). "
    return Paragraph(text + "There, drops are shown as n/a, because they would mean nothing.", "warning")


def _working_words(folder: Folder, model: str) -> str:
    works = folder.works[(folder.works["model"] == model) & (folder.works["magnification"] == POOLED)]
    if works.empty:
        return f"{model} was not judged without an attack."
    row = works.iloc[0]
    value = interval(row["balanced_accuracy"], row["low"], row["high"])
    return (
        f"On {count(row['images'], 'image')} of {count(row['groups'], 'patient')} that it never saw in training, {model} "
        f"reaches a balanced accuracy of {value} %."
    )


def strongest(folder: Folder, model: str) -> Case | None:
    """The attack that leaves the lowest pooled balanced accuracy, at the budget of the headline."""
    left = {}
    for case in lookup.reference(lookup.cases(folder, model)):
        row = cell(rows_of(folder.metrics, case), "balanced_accuracy")
        if case.rival and row is not None and row["value"] == row["value"]:
            left[case] = float(row["value"])
    return min(left, key=lambda case: left[case]) if left else None


def _attack_words(folder: Folder, case: Case) -> str:
    rows = rows_of(folder.metrics, case)
    falls = [f"pooled {name} from {_change(rows, name)}" for name in ("sensitivity", "specificity")]
    turned = [words for words in (_turned(rows, MISSED), _turned(rows, ALARMS)) if words]
    size = "no channel of any pixel changed by more than" if case.norm == "linf" else "a change of Euclidean length at most"
    amount = lookup.grey_levels(case.eps) if case.norm == "linf" else f"{case.eps:.3g}"
    end = f": {listed(turned)}" if turned else ""
    return f"With {size} {amount}, {case.name} takes {listed(falls)}{end}."


def _change(rows: pd.DataFrame, metric: str) -> str:
    row = cell(rows, metric)
    return "n/a" if row is None else f"{percent(row['clean'])} % to {percent(row['value'])} %"


def _turned(rows: pd.DataFrame, metric: str) -> str:
    row = cell(rows, metric)
    if row is None or row["value"] != row["value"]:
        return ""
    turned, total = round(row["value"] * row["images"]), int(row["images"])
    if metric == MISSED:
        return f"{turned:,} of {count(total, 'cancer image')} found before are missed"
    return f"{turned:,} of {count(total, 'benign image')} called right before become false alarms"


def _other_words(folder: Folder, model: str, rival: Case) -> list[str]:
    """What the trained generator and what plain noise do at the same budget."""
    words = []
    for case in lookup.reference(lookup.cases(folder, model)):
        row = cell(rows_of(folder.metrics, case), SUCCESS)
        if row is None or case == rival or case.source != case.model:
            continue
        value = interval(row["value"], row["low"], row["high"])
        if case.kind == "advgan":
            words.append(f"{case.name}, one forward pass of a generator trained beforehand, turns {value} % of all images that were right.")
        if case.control:
            words.append(f"Random noise of the same size turns {value} %.")
    return words


def _place_words(folder: Folder, case: Case, bad: dict[str, str]) -> str:
    rows = rows_of(folder.metrics, case)
    found = {m: cell(rows, "sensitivity", m) for m in lookup.magnifications(folder.metrics) if m != POOLED and m not in bad}
    drops = {m: float(row["drop"]) for m, row in found.items() if row is not None and row["drop"] == row["drop"]}
    if len(drops) < 2:
        return ""
    most, least = max(drops, key=lambda m: drops[m]), min(drops, key=lambda m: drops[m])
    return (
        f"Sensitivity drops most at {most} (by {points(drops[most])} points) and least at {least} "
        f"(by {points(drops[least])} points)."
    )


def _tiles(folder: Folder, case: Case) -> tuple[Tile, ...]:
    rows = rows_of(folder.metrics, case)
    tiles = []
    for metric in ("sensitivity", "specificity"):
        row = cell(rows, metric)
        if row is not None:
            value = f"{percent(row['clean'])} → {percent(row['value'])} %"
            tiles.append(Tile(f"{metric.capitalize()}, clean → {case.title}", value, f"drop {points(row['drop'], row['drop_low'], row['drop_high'])} points"))
    for metric, label in ((MISSED, "Missed cancers"), (ALARMS, "False alarms")):
        row = cell(rows, metric)
        if row is not None and row["value"] == row["value"]:
            value = f"{round(row['value'] * row['images']):,} of {int(row['images']):,}"
            tiles.append(Tile(f"{label} under {case.title}", value, f"of images right when clean, {count(row['groups'], 'patient')}"))
    return tuple(tiles)
