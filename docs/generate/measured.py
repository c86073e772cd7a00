"""Tables of `reports/benchmarks/`, which benchmarks wrote."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from generate.markdown import code, table

ABSENT = "*`{file}` is not in this checkout: it was not measured here.*"
PLACE = "reports/benchmarks/{name}.csv"
COST = ("attack", "images", "forwards", "gradients", "cpu_seconds", "predicted", "ratio", "machine", "load")
SPEED = ("what", "model", "images", "size", "value", "unit", "basis", "load")


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


def cost_model(root: Path) -> str:
    """What cells cost beside what was predicted."""
    return whole("cost_model", root, COST)


def pipeline_speed(root: Path) -> str:
    """Waiting, training, memory and start-up."""
    return whole("pipeline_speed", root, SPEED)


def scaling(root: Path) -> str:
    """The exponents of every thing and part, with its cost at the smallest and the largest number."""
    path = root / PLACE.format(name="scaling")
    if not path.exists():
        return ABSENT.format(file=PLACE.format(name="scaling"))
    rows = []
    for (thing, part), found in pd.read_csv(path).groupby(["thing", "part"], sort=False):
        first, last = found.iloc[0], found.iloc[-1]
        numbers = f"{first['number']} to {last['number']}"
        seconds = f"{first['cpu_seconds']:.1f} to {last['cpu_seconds']:.1f}"
        rows.append((thing, part, numbers, seconds, first["exponent"], first["last"]))
    return table(("grows", "part", "number", "processor seconds", "exponent", "last"), rows)


def whole(name: str, root: Path, columns: tuple[str, ...] = ()) -> str:
    """A whole table, or some of its columns."""
    path = root / PLACE.format(name=name)
    if not path.exists():
        return ABSENT.format(file=PLACE.format(name=name))
    frame = pd.read_csv(path, keep_default_na=False, dtype=str)
    frame = frame[list(columns)] if columns else frame
    return table([code(name) for name in frame.columns], frame.itertuples(index=False))


def _range(values: pd.Series[float]) -> str:
    """Lowest and highest, in percent; empty where the method has no such number."""
    found = values.dropna() * 100
    return f"{found.min():.1f} to {found.max():.1f}" if len(found) else ""
