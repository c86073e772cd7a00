"""Images made from scratch: no original, no budget, so a table of their own."""

from __future__ import annotations

import math

import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report import pictures
from robustgan.report.cases import POOLED
from robustgan.report.document import Block, Cell, Figure, Paragraph, Section, Table
from robustgan.report.folder import Folder, Row, records
from robustgan.report.sections import fidelity
from robustgan.report.words import absent, count, interval, percent

FAITHFUL = 0.80  # GAN-test accuracy of the oracles below which labels are not to be believed

LABELS = {  # what says whether the labels hold: all that is shown where they do not
    ("real", "oracle_floor"): "Oracle floor, real",
    ("natural", "oracle_accuracy"): "Oracles on natural (GAN-test)",
    ("natural", "victim_accuracy"): "Victim on natural (GAN-test)",
    ("natural", "gap"): "Gap, natural",
}

COLUMNS = {  # (mode, metric): head
    ("natural", "yield"): "Yield, natural",
    ("natural", "fooling_rate"): "Fooling rate, natural",
    ("searched", "yield"): "Yield, searched",
    ("searched", "fooling_rate"): "Fooling rate, searched",
    ("real", "fooling_rate"): "Victim wrong, real",
    **LABELS,
}


def section(folder: Folder) -> Section:
    """Labels first, then rates, then the pictures."""
    if folder.generated.empty:
        none = Paragraph("No images were generated from scratch in this run.")
        return Section(
            "generated",
            "Images made from scratch",
            (*_statuses(folder), none, *fidelity.blocks(folder), *_sheets(folder)),
        )
    intro = (
        "These images have no original, so nothing here is a drop and nothing has an eps. The label that "
        "was asked for is a hypothesis: an image counts only if every judging oracle (classifiers of "
        "other patients and seeds, never the victim) gives that label at least 0.9. Oracles can err "
        "together, and their error on real held-out images (the floor) is what any fooling rate must be "
        "compared with."
    )
    tables: list[Block] = []
    for identity in records(folder.fooling[["model", "attack", "seed"]].drop_duplicates()):
        rows = _rows(folder.fooling, identity)
        tables += [*_faithfulness(rows), _table(folder, rows, identity)]
    oracles = count(int(folder.generated["oracles"].max()), "oracle")
    judges = f"Judged by {oracles} outside the search; intervals are 95 %."
    blocks = (
        Paragraph(intro),
        *_statuses(folder),
        *fidelity.blocks(folder),
        *tables,
        Paragraph(judges, "note"),
        *_sheets(folder),
    )
    return Section("generated", "Images made from scratch", blocks)


def _rows(fooling: pd.DataFrame, identity: Row) -> pd.DataFrame:
    wanted = pd.DataFrame([identity]).astype({name: fooling[name].dtype for name in identity})
    return fooling.merge(wanted, on=list(identity))


def _statuses(folder: Folder) -> list[Block]:
    """What the training's own monitor said of each generator."""
    blocks: list[Block] = []
    for name, entry in folder.run.get("generators", {}).items():
        status, reason = str(entry.get("status", "?")), str(entry.get("reason", ""))
        if status != "ok":
            text = f"The training monitor flags {name} as {status} ({reason.rstrip('.') or 'no reason given'})."
            blocks.append(Paragraph(f"{text} What it made is weaker evidence, or none.", "warning"))
    return blocks


def oracle_accuracy(rows: pd.DataFrame) -> float:
    """Share of all generated images, unfiltered, to which the oracles give the label that was asked for."""
    found = rows[
        (rows["metric"] == "oracle_accuracy")
        & (rows["mode"] == "natural")
        & (rows["magnification"] == POOLED)
        & (rows["label"] == "both")
    ]
    return math.nan if found.empty else float(found["value"].iloc[0])


def _faithfulness(rows: pd.DataFrame) -> list[Block]:
    value = oracle_accuracy(rows)
    if math.isnan(value):
        text = "Label faithfulness is not known: no oracle judged the unfiltered images."
        return [Paragraph(text, "warning")]
    text = (
        f"Label faithfulness: oracles give the label that was asked for to {percent(value)} % of all "
        "generated images, unfiltered."
    )
    if value < FAITHFUL:
        limit = f"That is below {percent(FAITHFUL)} %: the generator is not label-faithful, and no fooling rate is read"
        return [Paragraph(f"{text} {limit} off its images.", "warning")]
    return [Paragraph(f"{text} That is enough ({percent(FAITHFUL)} % or more) to read the rates below.")]


def _table(folder: Folder, rows: pd.DataFrame, identity: Row) -> Table:
    """One row a magnification and label, one column a rate."""
    there = set(zip(rows["mode"], rows["metric"], strict=True))
    heads = COLUMNS if oracle_accuracy(rows) >= FAITHFUL else LABELS
    pairs = [pair for pair in heads if pair in there]
    lines = []
    for magnification in lookup.magnifications(rows):
        for label in ("benign", "malignant", "both"):
            part = rows[(rows["magnification"] == magnification) & (rows["label"] == label)]
            if len(part):
                rates = [_rate(part, mode, metric) for mode, metric in pairs]
                lines.append((Cell(magnification), Cell(label), *rates))
    seeded = f", seed {identity['seed']}" if folder.fooling["seed"].nunique() > 1 else ""
    name = lookup.shown(identity["attack"])
    caption = f"{name} against {identity['model']}{seeded}: % (95 % interval), n images."
    return Table(caption, ("Magnification", "Label", *(COLUMNS[pair] for pair in pairs)), tuple(lines))


def _rate(part: pd.DataFrame, mode: str, metric: str) -> Cell:
    found = part[(part["mode"] == mode) & (part["metric"] == metric)]
    if found.empty:
        return absent()
    row = records(found)[0]
    if row["value"] != row["value"]:
        return absent(str(row["note"]) or f"n = {int(row['images'])}")
    text = f"{interval(row['value'], row['low'], row['high'])}, n {int(row['images'])}"
    return Cell(text, float(row["value"]))


def _sheets(folder: Folder) -> list[Block]:
    captions = {
        "sheet": "Generated images at a fixed latent, one row a label (all of them, not a selection).",
        "fooling": "Generated images that all oracles accept and that fool the victim (a selection).",
    }
    found = {stem: pictures.sheets(folder, stem) for stem in captions}
    return [Figure(found[stem], caption, natural=True) for stem, caption in captions.items() if found[stem]]
