"""What is in a data set and what a split does with it: counts, findings, leaks. Nothing is trained."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from robustgan import splits, tables
from robustgan.errors import InputError
from robustgan.experiment import Split
from robustgan.interfaces import Dataset
from robustgan.journal import Tick, silent

CLASSES = {0: "benign", 1: "malignant"}
SHOWN = 20  # findings that are printed; their number is always said


class Audit(NamedTuple):
    """What `robustgan data audit` shows."""

    title: str
    counts: pd.DataFrame  # class, magnification (x; 0 unknown), images, groups; a class that is absent has a row with 0
    subtypes: pd.DataFrame  # class, subtype, images, groups
    findings: pd.DataFrame  # path, finding: what the data set itself sets apart
    sides: pd.DataFrame  # split, class, images, groups
    leaks: pd.DataFrame  # a LEAKS table
    problem: str  # why the split could not be made; empty where it was


def audit(dataset: Dataset, data: Path, rule: Split, fold: int, tick: Tick = silent) -> Audit:
    """Read (or make) a data set and look at it. A protocol that leaks is shown, whatever `rule.leak` says.

    Raises:
        InputError: the data set cannot be read.
    """
    with TemporaryDirectory() as folder:  # for a data set that makes its own images
        root = dataset.locate(data, Path(folder))
        dataset.make(root, tick)
        manifest = dataset.manifest(root, tick)
    size = f"{len(manifest)} images of {manifest['group'].nunique()} patients"
    title = f"{dataset.kind}: {size}; {rule.protocol}, fold {fold}"
    try:
        folds, problem = splits.assign(manifest, rule.model_copy(update={"leak": True}), fold), ""
    except InputError as error:
        folds, problem = tables.empty(tables.FOLDS), str(error)
    return summarise(title, manifest, folds)._replace(problem=problem)


def summarise(title: str, manifest: pd.DataFrame, folds: pd.DataFrame) -> Audit:
    """Count images and patients: all of the manifest, and the sides of its folds."""
    magnifications = sorted(manifest["magnification"].unique())
    grid = pd.MultiIndex.from_product([CLASSES.values(), magnifications], names=["class", "magnification"])
    counts = _count(manifest, ["class", "magnification"]).set_index(["class", "magnification"])
    return Audit(
        title,
        counts.reindex(grid, fill_value=0).reset_index(),
        _count(manifest, ["class", "subtype"]),
        manifest.loc[manifest["finding"] != "", ["path", "finding"]].reset_index(drop=True),
        _count(folds, ["split", "class"]),
        splits.leaks(folds),
        "",
    )


def _count(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rows = rows.assign(**{"class": rows["label"].map(CLASSES)})
    return rows.groupby(by, as_index=False).agg(images=("path", "size"), groups=("group", "nunique"))


def as_lines(found: Audit) -> list[str]:
    """The audit as plain text, a line an entry."""
    findings = [f"{row.path}: {row.finding}" for row in found.findings.head(SHOWN).itertuples()]
    more = len(found.findings) - SHOWN
    return [
        found.title,
        *_section("Images (and patients) per class and magnification", _grid(found.counts)),
        *_section("Images (and patients) per subtype", _text(found.subtypes)),
        *_section(f"Findings: {len(found.findings)}", [*findings, *([f"... and {more} more"] if more > 0 else [])]),
        *_section("Sides of the split", [found.problem] if found.problem else _text(found.sides)),
        *_section(
            "Leaks: validation and test images whose group, slide or pixels are in train too",
            _text(found.leaks),
        ),
    ]


def as_json(found: Audit) -> str:
    """The audit as JSON: every table as a list of records."""
    plain = {
        name: value if isinstance(value, str) else json.loads(value.to_json(orient="records"))
        for name, value in found._asdict().items()
    }
    return json.dumps(plain, indent=1)


def _grid(counts: pd.DataFrame) -> list[str]:
    """One line a class and one column a magnification; says which class a magnification lacks."""
    cells = counts.assign(
        cell=[f"{row.images} ({row.groups})" for row in counts.itertuples()],
        column=counts["magnification"].map(lambda x: f"{x}X" if x else "unknown"),
    )
    wide = cells.pivot(index="class", columns="column", values="cell")[cells["column"].unique()]
    absent = cells[cells["images"] == 0]
    return [
        *wide.rename_axis(index=None, columns=None).to_string().splitlines(),
        *(f"no {row['class']} image at {row['column']}" for _, row in absent.iterrows()),
    ]


def _text(frame: pd.DataFrame) -> list[str]:
    return frame.to_string(index=False).splitlines() if len(frame) else []


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines or ["none"])]
