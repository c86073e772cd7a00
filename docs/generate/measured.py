"""Tables of `reports/benchmarks/`, which benchmarks wrote."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from generate.markdown import code, table

ABSENT = "*`{file}` is not in this checkout: it was not measured here.*"
PLACE = "reports/benchmarks/{name}.csv"
COST = ("attack", "images", "forwards", "gradients", "cpu_seconds", "predicted", "ratio", "machine", "load")
BESIDE = (  # what stands in the table of a few cells
    *("share: Wilson on images", "share: percentile bootstrap of groups", "share: Korn-Graubard as published"),
    "share: Korn-Graubard",
)
SHOWN = ((7, 0.9, 0.1), (7, 0.9, 0.4), (17, 0.9, 0.1), (17, 0.7, 0.4), (24, 0.9, 0.4))
TESTS = ("test: McNemar on images", "test: sign-flip")
OURS = ("share: Korn-Graubard", "drop: ours", "auroc: ours")
AIMED = (0.7, 0.9)  # true rates for which benchmarks/coverage.py sets an aim
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


def coverage_images(root: Path) -> str:
    """Intervals over images beside those over patients in a few cells, and how often tests find what is not there."""
    path = root / PLACE.format(name="coverage")
    if not path.exists():
        return ABSENT.format(file=PLACE.format(name="coverage"))
    frame = pd.read_csv(path)
    cells = frame.pivot(index=["groups", "rate", "icc"], columns="method", values="coverage")
    rows = [
        (", ".join(f"{n:g}" for n in cell), *(f"{100 * cells.loc[cell, m]:.0f} %" for m in BESIDE)) for cell in SHOWN
    ]
    names = [name.partition(": ")[2] for name in BESIDE]
    return table(("patients, true rate, ICC", *names), rows) + "\n\n" + _found_in_nothing(frame)


def _found_in_nothing(frame: pd.DataFrame) -> str:
    found = {
        (method, alike): _range(part["type1"])
        for (method, alike), part in frame[frame["method"].isin(TESTS)].groupby(["method", "icc"])
    }
    least, most = frame["icc"].min(), frame["icc"].max()
    return (
        "Tests have the same fault. At a nominal 5 %, McNemar's exact test over images rejects a true null hypothesis "
        f"in {found[TESTS[0], least]} % of studies at an ICC of {least:g} and in {found[TESTS[0], most]} % at "
        f"{most:g}; the sign-flip test over patients in {found[TESTS[1], least]} % and {found[TESTS[1], most]} %."
    )


def coverage_aim(root: Path) -> str:
    """What robustgan's own intervals reach where an aim is set, and every cell with 17 patients or more that is off."""
    path = root / PLACE.format(name="coverage")
    if not path.exists():
        return ABSENT.format(file=PLACE.format(name="coverage"))
    frame = pd.read_csv(path)
    ours = frame[frame["method"].isin(OURS)]
    many, aimed = ours[ours["groups"] >= 17], ours[ours["rate"].isin(AIMED)]
    reached = [
        (method, _range(part[part["groups"] >= 17]["coverage"]), f"{100 * part['coverage'].min():.1f}")
        for method, part in aimed.groupby("method", sort=False)
    ]
    off = many[~many["coverage"].between(0.93, 0.97)].sort_values(["method", "groups", "icc"])
    rows = [(r.method, r.groups, f"{r.icc:g}", f"{r.rate:g}", f"{100 * r.coverage:.2f}") for r in off.itertuples()]
    return (
        table(("at true rates 0.7 and 0.9", "coverage, % (17 patients or more)", "lowest, % (any number)"), reached)
        + f"\n\nOf {len(many)} cells with 17 patients or more, at any true rate, {len(rows)} are outside "
        + "93 to 97 %:\n\n"
        + table(("method", "patients", "ICC", "true rate", "coverage, %"), rows)
    )


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
