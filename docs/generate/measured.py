"""Tables of `reports/benchmarks/`, which benchmarks wrote."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from generate.markdown import code, table

ABSENT = "*`{file}` is not in this checkout: it was not measured here.*"
PLACE = "reports/benchmarks/{name}.csv"


def coverage(root: Path) -> str:
    """Coverage of every interval and type-I error of every test, over the cells with few and with more groups."""
    path = root / PLACE.format(name="coverage")
    if not path.exists():
        return ABSENT.format(file=PLACE.format(name="coverage"))
    frame = pd.read_csv(path)
    rows = []
    for method, part in frame.groupby("method", sort=False):
        few, more = part[part["groups"] < 17], part[part["groups"] >= 17]
        found = [_range(some[what]) for what in ("coverage", "type1") for some in (few, more)]
        rows.append((method, *found, len(part)))
    names = ("coverage", "type-I error")
    header = [f"{name}, % ({size} groups)" for name in names for size in ("fewer than 17", "17 or more")]
    return table(("method", *header, "cells"), rows)


def whole(name: str, root: Path) -> str:
    """A whole table: robust accuracy beside other libraries."""
    path = root / PLACE.format(name=name)
    if not path.exists():
        return ABSENT.format(file=PLACE.format(name=name))
    frame = pd.read_csv(path, keep_default_na=False)
    return table([code(name) for name in frame.columns], frame.itertuples(index=False))


def _range(values: pd.Series[float]) -> str:
    """Lowest and highest, in percent; empty where the method has no such number."""
    found = values.dropna() * 100
    return f"{found.min():.1f} to {found.max():.1f}" if len(found) else ""
