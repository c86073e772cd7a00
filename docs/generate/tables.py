"""The tables of a run: where each is, what a row is, and every column."""

from __future__ import annotations

from generate.markdown import cell, code, table
from robustgan import tables
from robustgan.tables import Column, Table

ABOUT = {  # file in a report's folder, and what one row is
    "MANIFEST": ("runs/manifest/KEY/manifest.parquet", "one image of the data set; nothing is dropped"),
    "FOLDS": ("evidence/manifest.parquet", "one image and fold, with its side of the split"),
    "PREDICTIONS": ("predictions.parquet", "one image, classifier, attack, budget and seed"),
    "GENERATED": ("generated.parquet", "one image made from scratch, or one real image of the floor"),
    "METRICS": ("metrics.csv", "one metric of one cell: its value clean and attacked, and the drop"),
    "FOOLING": ("fooling.csv", "one rate of images made from scratch"),
    "SURVIVAL": ("survival.parquet", "one attacked image: what it is called as float, 8-bit, PNG and JPEG"),
    "STRENGTH": ("strength.csv", "one strength check of one classifier"),
    "PROBES": ("evidence/probes.parquet", "one image under one probe of the strength evidence"),
    "CALIBRATION": ("calibration.csv", "one bin of a reliability curve"),
    "COMPARISON": ("printed by robustgan compare A B --csv", "one metric of one cell that both runs have"),
    "LEAKS": ("evidence/leaks.csv", "one fold, identity and side: how many images also stand in training"),
}


def found() -> dict[str, Table]:
    """Every table that robustgan writes, by its name in the code."""
    return {
        name: value
        for name, value in vars(tables).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, dict) and _columns(value)
    }


def every_table() -> str:
    """A section a table.

    Raises:
        KeyError: a table without a description in ABOUT.
    """
    return "\n\n".join(_section(name, columns, *ABOUT[name]) for name, columns in found().items())


def version() -> str:
    """The version of the columns."""
    return f"Version of the columns: **{tables.VERSION}**."


def _section(name: str, columns: Table, file: str, row: str) -> str:
    rows = [(code(key), code(c.dtype), c.meaning, c.since) for key, c in columns.items()]
    head = f"## {name}\n\nFile: `{file}`. One row is {cell(row)}.\n\n"
    return head + table(("column", "dtype", "meaning and unit", "since"), rows)


def _columns(value: dict[object, object]) -> bool:
    return bool(value) and all(isinstance(column, Column) for column in value.values())
