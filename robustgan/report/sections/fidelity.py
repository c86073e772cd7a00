"""How good are the images of a generator, before anybody asks whether they fool: a row a label, beside real images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from robustgan.report.document import Block, Cell, Items, Paragraph, Table
from robustgan.report.folder import Folder
from robustgan.report.words import absent, count, percent, plain, value_cell

MEASURES = (("precision", True), ("recall", True), ("variety", False))  # and whether each is a share
LONG = 10  # rows from which the table is folded


def blocks(folder: Folder) -> list[Block]:
    """The table, copies, and what the monitor did or noted; nothing where no generator measured its fidelity."""
    found = {name: entry for name, entry in folder.run.get("generators", {}).items() if entry.get("fidelity")}
    if not found:
        return []
    eyes = list(dict.fromkeys(name for entry in found.values() for name in _extractors(entry["fidelity"])))
    distances = [head for name in eyes for head in (f"KID ({name})", "Floor")]
    heads = (
        "Generator", "Label", *distances, "Precision, %", "Floor", "Recall, %", "Floor", "Variety", "Floor",
        "Real images",
    )  # fmt: skip
    lines = [line for name, entry in found.items() for line in _lines(name, entry["fidelity"], eyes)]
    caption = (
        "Fidelity against held-out real images of other patients. Floor: what real training images reach there. "
        "Recall: share of the real images that the generator can make. Variety: mean distance of two images; real "
        "ones are near 1."
    )
    table = Table(caption, heads, tuple(lines), len(lines) >= LONG)
    notes = [text for name, entry in found.items() for text in _notes(name, entry)]
    return [table, *([Items(tuple(notes))] if notes else []), *_verdict(found)]


def _extractors(fidelity: Mapping[str, Any]) -> list[str]:
    """Whose features distances were measured on; one alone in runs of earlier versions."""
    names: list[str] = fidelity.get("extractors", [fidelity["extractor"]])
    return names


def _lines(name: str, fidelity: Mapping[str, Any], eyes: list[str]) -> Iterator[tuple[Cell, ...]]:
    for label, values in fidelity["labels"].items():
        shown = [
            _number(values.get(key + end), share, values["images"])
            for key, share in (*((f"kid_{eye}", False) for eye in eyes), *MEASURES)
            for end in ("", "_floor")
        ]
        yield Cell(name), Cell(label), *shown, Cell(f"{values['images']:,}", values["images"])


def _number(value: float | None, share: bool, images: int) -> Cell:
    if value is None:
        return absent()
    return value_cell(value, percent(value) if share else plain(value, 2), f"{count(images, 'real image')} held out")


def _notes(name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """What the monitor did and noted while the generator trained."""
    for action in entry.get("actions", []):
        why = f"{action['rule']} ({action['reason']})"
        yield f"{name}, step {action['step']}: {why}, answered with `{action['action']}`."
    for note in entry.get("warnings", []):
        yield f"{name}, step {note['step']}: {note['rule']} ({note['reason']}), noted."


def _verdict(found: Mapping[str, Mapping[str, Any]]) -> list[Block]:
    """Say it where a generator reaches next to nothing of the real images."""
    poor = [
        f"{name} ({label})"
        for name, entry in found.items()
        for label, values in entry["fidelity"]["labels"].items()
        if (values.get("recall") or 0.0) < (values.get("recall_floor") or 0.0) / 2
    ]
    if not poor:
        return []
    text = (
        f"Recall is less than half of what real images reach: {', '.join(poor)}. These images cover a small part of "
        "what the tissue looks like, so a fooling rate on them says little about all tissue."
    )
    return [Paragraph(text, "warning")]
