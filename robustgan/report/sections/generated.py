"""Images made from scratch: no original, no budget, so a table of their own."""

from __future__ import annotations

import math

import pandas as pd

from robustgan.metrics.generated import FAITHFUL
from robustgan.report import cases as lookup
from robustgan.report import selection, sheets
from robustgan.report.document import Block, Paragraph, Section
from robustgan.report.faithfulness import worse
from robustgan.report.folder import Folder, Row, records
from robustgan.report.sections import fidelity, people, rates
from robustgan.report.words import count, percent


def section(folder: Folder) -> Section:
    """Labels first, then rates, then the pictures."""
    if folder.generated.empty:
        none = Paragraph("No images were generated from scratch in this run.")
        return Section(
            "generated",
            "Images made from scratch",
            (*_statuses(folder), none, *fidelity.blocks(folder), *sheets.figures(folder)),
        )
    intro = (
        "These images have no original, so nothing here is a drop and nothing has an eps. The label that "
        "was asked for is a hypothesis: an image counts only if every judging oracle (classifiers of other seeds, "
        "whose epochs other validation patients chose; never the victim) gives that label at least 0.9. Oracles can "
        "err together, and their error on real held-out images (the floor) is what any fooling rate must be "
        "compared with."
    )
    tables: list[Block] = []
    for identity in records(folder.fooling[["model", "attack", "seed"]].drop_duplicates()):
        rows = _rows(folder.fooling, identity)
        tables += [*_faithfulness(rows), *_evidence(folder, rows, identity), *people.blocks(folder, identity)]
    oracles = count(int(folder.generated["oracles"].max()), "oracle")
    judges = f"Judged by {oracles} outside the search; intervals are 95 %."
    blocks = (
        Paragraph(intro),
        *_statuses(folder),
        *fidelity.blocks(folder),
        *tables,
        Paragraph(judges, "note"),
        *sheets.figures(folder),
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


def _faithfulness(rows: pd.DataFrame) -> list[Block]:
    found, name = worse(rows), lookup.shown(str(rows["attack"].iloc[0]))
    if math.isnan(found.share):
        text = f"Label faithfulness of {name} is not known: no oracle judged unfiltered {found.label} images."
        return [Paragraph(text, "warning")]
    text = (
        f"Label faithfulness of {name}: of all images asked to be {found.label}, the worse of the two classes, "
        f"unfiltered, the oracles see it in {percent(found.share)} %."
    )
    if not found.holds:
        limit = f"That is below {percent(FAITHFUL)} %: the generator is not label-faithful, and no fooling rate is read"
        return [Paragraph(f"{text} {limit} off its images.", "warning")]
    enough = f"That is enough ({percent(FAITHFUL)} % or more) to read the rates below"
    return [Paragraph(f"{text} {enough}, but for those of a class and magnification where it is less.")]


def _evidence(folder: Folder, rows: pd.DataFrame, identity: Row) -> list[Block]:
    """Rates and the selection curve; where labels do not hold, only the table that says so."""
    if not worse(rows).holds:
        return [*rates.tables(folder, rows, identity, rates.LABELS)]
    counted = rates.tables(folder, rows, identity, rates.COLUMNS)
    return [*counted, *rates.recognised(folder, rows, identity), selection.figure(folder, identity)]
