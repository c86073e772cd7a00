"""Many generators trained in different ways: what the monitor said of each, beside its numbers and the eye."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from robustgan.gates.evidence import label_of
from robustgan.report.cases import POOLED
from robustgan.report.document import Block, Cell, Figure, Paragraph, Picture, Section, Table
from robustgan.report.faithfulness import worse
from robustgan.report.figures import contact
from robustgan.report.folder import Folder, records
from robustgan.report.pictures import keep, slug
from robustgan.report.settings import changes
from robustgan.report.words import absent, percent, plain, share_cell, sized, value_cell

INTRO = (
    "The same training with something changed at a time. Verdict: the rule of the monitor that applies to the "
    "generator that was kept; one that is not ok has no fooling rate. KID: distance to held-out real images; its floor "
    "is what real training images reach. Variety and recall: of the worst label. Oracle accuracy: share of the natural "
    "images asked to be of a class that the oracles call so; of the worse class."
)
HEADS = (
    "Generator", "What is changed", "Verdict", "Reason", "Kept step", "KID", "Floor", "Variety", "Recall, %",
    "Oracle accuracy, %",
)  # fmt: skip


class Trained(NamedTuple):
    """One training of a generator of images from scratch."""

    name: str  # with its fold
    attack: str
    status: Mapping[str, Any]  # its status.json; only verdict and reason where the training itself failed


def sections(folder: Folder) -> tuple[Section, ...]:
    """The table and the contact sheets; nothing where fewer than two kinds of generators were trained."""
    entries = {label_of(entry): entry for entry in folder.config.get("attacks", []) if entry.get("kind") == "dcgan"}
    if len(entries) < 2:
        return ()
    found = [one for name in entries for one in _trainings(folder, name)]
    changed = changes(entries)
    rows = tuple(_line(folder, one, changed[one.attack]) for one in found)
    blocks: list[Block] = [Paragraph(INTRO), Table("Training rules and what came of them.", HEADS, rows)]
    sheets = tuple(picture for one in found for picture in _sheet(folder, one))
    caption = "Contact sheets, one row a label, nothing selected: is the verdict what you see? Orange: not ok."
    blocks += [Figure(sheets, caption)] if sheets else []
    return (Section("stability", "Which training rules hold?", tuple(blocks)),)


def _trainings(folder: Folder, attack: str) -> Iterator[Trained]:
    for name, status in folder.run.get("generators", {}).items():
        if name.startswith(f"{attack}, "):
            yield Trained(name, attack, status)
    for failure in folder.run["failures"]:
        if str(failure["stage"]).startswith((f"train {attack}, ", f"train {attack} on ")):
            fold = str(failure["stage"]).rpartition(", ")[2]
            yield Trained(f"{attack}, {fold}", attack, {"status": "failed", "reason": str(failure["reason"])})


def _line(folder: Folder, one: Trained, changed: str) -> tuple[Cell, ...]:
    status = one.status
    verdict, fidelity = str(status["status"]), status.get("fidelity", {})
    key = f"kid_{fidelity.get('extractor', 'scatter')}"
    labels = list(fidelity.get("labels", {}).values())
    of = sized(sum(values["images"] for values in labels))
    variety, recall = (_lowest(labels, name) for name in ("variety", "recall"))
    return (
        Cell(one.name), Cell(changed), Cell(verdict), Cell("" if verdict == "ok" else str(status["reason"])),
        _step(status.get("step")), _number(status.get(key), of), _number(status.get(f"{key}_floor"), of),
        value_cell(variety[0], plain(variety[0], 3), variety[1]), value_cell(recall[0], percent(recall[0]), recall[1]),
        _oracles(folder, one.attack),
    )  # fmt: skip


def _lowest(labels: Sequence[Mapping[str, Any]], name: str) -> tuple[float, str]:
    """The lowest value over the labels, and the held-out real images of that label."""
    found = [(float(values[name]), sized(values["images"])) for values in labels if values.get(name) is not None]
    return min(found, default=(math.nan, ""))


def _number(value: float | None, of: str) -> Cell:
    return absent() if value is None else value_cell(float(value), plain(value, 3), of)


def _step(value: int | None) -> Cell:
    return absent() if value is None else Cell(str(value), float(value))


def _oracles(folder: Folder, attack: str) -> Cell:
    """GAN-test accuracy of the worse class; of the first classifier and seed, as oracles know neither."""
    rows = folder.fooling
    rows = rows[(rows["attack"] == attack) & (rows["mode"] == "natural") & (rows["metric"] == "oracle_accuracy")]
    rows = rows[(rows["magnification"] == POOLED) & (rows["label"] == worse(rows).label)]
    if rows.empty:
        return absent("no image was judged")
    row = records(rows)[0]
    return share_cell(row["value"], row["low"], row["high"], sized(row["images"]))


def _sheet(folder: Folder, one: Trained) -> Iterator[Picture]:
    stem = f"{one.name.replace(', fold ', '-fold')}-sheet".replace("/", "_")
    verdict = str(one.status["status"])
    for path in folder.sheets:
        if path.stem == stem:
            drawing = contact.draw(path, f"{one.name}: {verdict}", verdict == "ok")
            alt = f"Contact sheet of {one.name}, which the monitor calls {verdict}: one row of images a label."
            yield keep(folder, drawing, f"sheet-{slug(one.name)}", "", alt)
