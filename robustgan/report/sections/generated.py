"""Images made from scratch: no original, no budget, so a table of their own."""

from __future__ import annotations

import math

import pandas as pd

from robustgan.report import cases as lookup
from robustgan.report import pictures
from robustgan.report.cases import POOLED, SHOWN_AS
from robustgan.report.document import Block, Cell, Figure, Paragraph, Section, Table
from robustgan.report.folder import Folder
from robustgan.report.words import absent, count, interval, percent

FAITHFUL = (
    0.75  # GAN-test accuracy of the oracles below which labels are not to be believed (gan.md, section 6)
)

COLUMNS = {  # (mode, metric): head
    ("natural", "yield"): "Yield, natural",
    ("natural", "fooling_rate"): "Fooling rate, natural",
    ("searched", "yield"): "Yield, searched",
    ("searched", "fooling_rate"): "Fooling rate, searched",
    ("real", "oracle_floor"): "Oracle floor, real",
    ("real", "fooling_rate"): "Victim wrong, real",
    ("natural", "oracle_accuracy"): "Oracles on natural (GAN-test)",
    ("natural", "victim_accuracy"): "Victim on natural (GAN-test)",
    ("natural", "gap"): "Gap, natural",
}


def section(folder: Folder) -> Section:
    """Labels first, then rates, then the pictures."""
    if folder.generated.empty:
        blocks: tuple[Block, ...] = (
            *_statuses(folder),
            Paragraph("No images were generated from scratch in this run."),
            *_sheets(folder),
        )
        return Section("generated", "Images made from scratch", blocks)
    intro = (
        "These images have no original, so nothing here is a drop and nothing has an eps. The label that was asked for is a "
        "hypothesis: an image counts only if every judging oracle (classifiers of other patients and seeds, never the victim) "
        "gives that label at least 0.9. Oracles can err together, and their error on real held-out images (the floor) "
        "is what any fooling rate must be compared with."
    )
    identities = folder.fooling[["model", "attack", "seed"]].drop_duplicates()
    tables: list[Block] = []
    for identity in identities.itertuples():
        rows = _rows(folder.fooling, identity.model, identity.attack, identity.seed)
        tables += [*_faithfulness(rows), _table(folder, rows, identity.model, identity.attack, identity.seed)]
    counts = folder.generated["oracles"].max()
    judges = Paragraph(f"Judged by {count(counts, 'oracle')} outside the search; intervals are 95 %.", "note")
    return Section(
        "generated",
        "Images made from scratch",
        (Paragraph(intro), *_statuses(folder), *tables, judges, *_sheets(folder)),
    )


def _rows(fooling: pd.DataFrame, model: str, attack: str, seed: int) -> pd.DataFrame:
    return fooling[(fooling["model"] == model) & (fooling["attack"] == attack) & (fooling["seed"] == seed)]


def _statuses(folder: Folder) -> list[Block]:
    """What the training's own monitor said of each generator."""
    blocks: list[Block] = []
    for name, entry in folder.run.get("generators", {}).items():
        status, reason = str(entry.get("status", "?")), str(entry.get("reason", ""))
        if status != "ok":
            text = f"The training monitor stopped {name}: {status}. {reason}".strip()
            blocks.append(
                Paragraph(
                    f"{text} Its images are weaker evidence than those of a generator that trained to its end.",
                    "warning",
                )
            )
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
        return [
            Paragraph("Label faithfulness is not known: no oracle judged the unfiltered images.", "warning")
        ]
    text = f"Label faithfulness: oracles give the label that was asked for to {percent(value)} % of all generated images, unfiltered."
    if value < FAITHFUL:
        limit = f"That is below {100 * FAITHFUL:.0f} %: the generator is not label-faithful, and its fooling rates are no evidence."
        return [Paragraph(f"{text} {limit}", "warning")]
    return [Paragraph(f"{text} That is enough ({100 * FAITHFUL:.0f} % or more) to read the rates below.")]


def _table(folder: Folder, rows: pd.DataFrame, model: str, attack: str, seed: int) -> Table:
    """One row a magnification and label, one column a rate."""
    there = set(zip(rows["mode"], rows["metric"], strict=True))
    pairs = [pair for pair in COLUMNS if pair in there]
    lines = []
    for magnification in lookup.magnifications(rows):
        for label in [name for name in ("benign", "malignant", "both") if (rows["label"] == name).any()]:
            part = rows[(rows["magnification"] == magnification) & (rows["label"] == label)]
            if len(part):
                lines.append(
                    (Cell(magnification), Cell(label), *(_rate(part, mode, metric) for mode, metric in pairs))
                )
    seeded = f", seed {seed}" if folder.fooling["seed"].nunique() > 1 else ""
    caption = f"{SHOWN_AS.get(attack, attack)} against {model}{seeded}: % (95 % interval), n images."
    heads = [COLUMNS[pair] for pair in pairs]
    return Table(caption, ("Magnification", "Label", *heads), tuple(lines))


def _rate(part: pd.DataFrame, mode: str, metric: str) -> Cell:
    found = part[(part["mode"] == mode) & (part["metric"] == metric)]
    if found.empty:
        return absent()
    row = found.iloc[0]
    if row["value"] != row["value"]:
        return absent(str(row["note"]) or f"n = {int(row['images'])}")
    text = f"{interval(row['value'], row['low'], row['high'])}, n {int(row['images'])}"
    return Cell(text, float(row["value"]))


def _sheets(folder: Folder) -> list[Block]:
    captions = {
        "sheet": "Contact sheets of generated images at a fixed latent, one row a label (all of them, not a selection).",
        "fooling": "Generated images that all oracles accept and that fool the victim, with its scores (a selection by construction).",
    }
    found = {stem: pictures.sheets(folder, stem) for stem in captions}
    return [Figure(found[stem], caption, natural=True) for stem, caption in captions.items() if found[stem]]
