"""How good are the images of a generator, before anybody asks whether they fool: a row a label, beside real images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from robustgan.report.document import Block, Cell, Items, Paragraph, Table
from robustgan.report.folder import Folder
from robustgan.report.words import absent, count, percent, plain, value_cell

Entries = Mapping[str, Mapping[str, Any]]  # by generator and fold: its status.json
MEASURES = (("precision", True), ("recall", True), ("variety", False))  # and whether each is a share
LONG = 10  # rows from which the table is folded
NEAR = 3  # times what real images reach: how far a generator may be from its training images to count as near


def blocks(folder: Folder) -> list[Block]:
    """Fidelity a label, copies and labels, and what the monitor did or noted; nothing where none was measured."""
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
        "Fidelity against held-out real images of other patients. Floor: what real images of other patients reach; of "
        "KID the mean of many draws. "
        "Recall: share of the real images that the generator can make. Variety: mean distance of two images; real "
        "ones are near 1."
    )
    table = Table(caption, heads, tuple(lines), len(lines) >= LONG)
    notes = [text for name, entry in found.items() for text in _notes(name, entry)]
    return [
        table,
        *_near(found, eyes),
        *_beyond(found, eyes),
        _whole(found),
        *([Items(tuple(notes))] if notes else []),
        *_verdict(found),
    ]


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


def _near(found: Entries, eyes: list[str]) -> list[Block]:
    """Distance to training images, a label, in units of what real images reach; nothing where it was not measured."""
    lines, near, known = [], 0, 0
    for name, entry in found.items():
        for label, values in entry["fidelity"]["labels"].items():
            cells = [Cell(name), Cell(label)]
            for eye in eyes:
                kid, most = values.get(f"kid_{eye}_train"), values.get(f"kid_{eye}_floor_high")
                times = None if kid is None or not most or most < 0 else kid / most
                cells += [_number(value, False, values["images"]) for value in (kid, most, times)]
                near, known = near + (times is not None and times <= NEAR), known + (times is not None)
            lines.append(tuple(cells))
    if not known:
        return []
    heads = ("Generator", "Label", *(head for eye in eyes for head in (f"KID ({eye})", "95 % of real", "Times that")))
    caption = (
        "Distance to the training images, a label. 95 % of real: what 95 of 100 draws of as many real images, no "
        "patient on both sides, stay under; a multiple of their mean says nothing where that is near 0. "
        f"{near} of {known} distances are within {NEAR} times that."
    )
    return [Table(caption, heads, tuple(lines), len(lines) >= LONG)]


def _beyond(found: Entries, eyes: list[str]) -> list[Block]:
    """Precision and recall on further features, and the label probe, a label; nothing where no run has either."""
    keys = [
        (f"{name}_{eye}", f"{name.capitalize()} ({eye}), %") for eye in eyes[1:] for name in ("precision", "recall")
    ]
    heads = (
        "Generator",
        "Label",
        *(head for _, what in keys for head in (what, "Floor")),
        "Probe, %",
        "Probe, real, %",
    )
    lines = []
    for name, entry in found.items():
        probe = entry["fidelity"].get("label_probe") or {}
        for label, values in entry["fidelity"]["labels"].items():
            images = values["images"]
            shown = [_number(values.get(key + end), True, images) for key, _ in keys for end in ("", "_floor")]
            asked = [_number((probe.get(side) or {}).get(label), True, images) for side in ("generated", "held_out")]
            lines.append((Cell(name), Cell(label), *shown, *asked))
    if not any(cell.numeric and not cell.muted for line in lines for cell in line):
        return []
    caption = (
        "Further measures, a label. Precision and recall on other features than above. Probe: share of the images in "
        "which a linear classifier, fitted to training images, finds the class that was asked for; beside it, held-out "
        "real images."
    )
    return [Table(caption, heads, tuple(lines), folded=True)]


def _whole(found: Entries) -> Table:
    """What is asked of a generator as a whole: does it copy, and do its labels make a difference?"""
    lines = []
    for name, entry in found.items():
        copies, apart = entry["fidelity"].get("copies") or {}, entry["fidelity"].get("difference_between_labels")
        images = sum(values["images"] for values in entry["fidelity"]["labels"].values())
        pairs = ((copies.get("z"), False), (copies.get("share"), True), (apart, False))
        lines.append((Cell(name), *(_number(value, share, images) for value, share in pairs)))
    heads = ("Generator", "Copies, z", "Nearer than real, %", "Difference between labels")
    caption = (
        "Copies: whether generated images lie nearer to training images than held-out real ones do. z of the rank "
        "test: far below 0 says yes. Nearer than real: share that is nearer than 99 % of those, 1 % by chance. "
        "Difference between labels: mean distance of two images of one latent vector and two labels, as a share of the "
        "variety of real images; near 0, labels are ignored."
    )
    return Table(caption, heads, tuple(lines))


def _number(value: float | None, share: bool, images: int) -> Cell:
    if value is None:
        return absent()
    return value_cell(value, percent(value) if share else plain(value, 2), f"{count(images, 'real image')} held out")


def _notes(name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """Of how many the kept generator is the best, and what the monitor did and noted while it trained."""
    if looks := entry.get("looks"):
        among = f"{looks['all']} states, each of which a rule refused"
        if looks["sound"]:
            among = f"the {looks['sound']} of {looks['all']} states that no rule refused"
        yield (
            f"{name}: kept as it was at step {entry['step']}, the least distant of {among}. "
            "The best of many seems a little nearer than it is."
        )
    for action in entry.get("actions", []):
        why = f"{action['rule']} ({action['reason']})"
        yield f"{name}, step {action['step']}: {why}, answered with `{action['action']}`."
    for note in entry.get("warnings", []):
        yield f"{name}, step {note['step']}: {note['rule']} ({note['reason']}), noted."


def _verdict(found: Entries) -> list[Block]:
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
