"""The answer, before everything else: warnings, the few numbers to remember, and one paragraph."""

from __future__ import annotations

from robustgan.report import cases as lookup
from robustgan.report.cases import ALARMS, MISSED, POOLED, Case, cell, rows_of
from robustgan.report.document import Block, Paragraph, Section, Tile, Tiles
from robustgan.report.folder import Folder
from robustgan.report.sections import headline, strength
from robustgan.report.words import count, listed, percent, points

NAMED = 6  # failed stages that the first warning names


def section(folder: Folder) -> Section:
    """What stands on top of the report."""
    blocks: list[Block] = [*_failures(folder), *_leak(folder)]
    if not folder.models:
        words = "No image was judged: there is nothing to conclude from this run."
        blocks.append(Paragraph(words, "warning"))
    for model in folder.models:
        blocks += _model(folder, model)
    return Section("answer", "The answer", tuple(blocks))


def _failures(folder: Folder) -> list[Block]:
    names = [str(failure.get("stage", "?")) for failure in folder.run["failures"]]
    if not names:
        return []
    more = " and others" if len(names) > NAMED else ""
    text = (
        f"{count(len(names), 'stage')} of this run failed: {listed(names[:NAMED])}{more}. What depends on "
        "a failed stage is missing below; the reasons are under Failures."
    )
    return [Paragraph(text, "warning")]


def _leak(folder: Folder) -> list[Block]:
    if not folder.leaks_patients:
        return []
    text = "The split leaks: patients of test images were seen in training, so numbers without an attack are too good."
    return [Paragraph(text, "warning")]


def _model(folder: Folder, model: str) -> list[Block]:
    bad = lookup.broken(folder, model)
    words = Paragraph(headline.words(folder, model), "lead")
    rival = None if POOLED in bad else headline.strongest(folder, model)
    tiles = [Tiles(_tiles(folder, rival))] if rival else []
    return [*strength.on_top(folder, model), *_warnings(model, bad), *tiles, words]


def _warnings(model: str, bad: dict[str, str]) -> list[Block]:
    if not bad:
        return []
    if POOLED in bad:
        text = (
            f"The classifier {model} does not work on the test patients: {bad[POOLED]}. What does not work "
            "has nothing to lose: drops are shown as n/a."
        )
        return [Paragraph(text, "warning")]
    where = "; ".join(f"{name}: {why}" for name, why in bad.items())
    text = (
        f"The classifier {model} does not work on the test patients everywhere ({where}). Drops there would "
        "mean nothing and are shown as n/a."
    )
    return [Paragraph(text, "warning")]


def _tiles(folder: Folder, case: Case) -> tuple[Tile, ...]:
    rows = rows_of(folder, case)
    tiles = []
    for metric in ("sensitivity", "specificity"):
        if row := cell(rows, metric):
            value = f"{percent(row['clean'])} → {percent(row['value'])} %"
            drop = f"drop {points(row['drop'], row['drop_low'], row['drop_high'])} points"
            tiles.append(Tile(f"{metric.capitalize()}, clean → {case.title}", value, drop))
    for metric, label in ((MISSED, "Missed cancers"), (ALARMS, "False alarms")):
        if (row := cell(rows, metric)) and row["images"]:
            value = f"{round(row['value'] * row['images']):,} of {int(row['images']):,}"
            detail = f"images right when clean, of {count(row['groups'], 'patient')}"
            tiles.append(Tile(f"{label} under {case.title}", value, detail))
    return tuple(tiles)
