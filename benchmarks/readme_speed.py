"""The README's table of speed: what `attack_speed.py` measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

MODELS = {"undefended": "undefended", "hardened": "adversarially trained"}
NAMES = {"pgd-20": "PGD-20", "ensemble": "Auto-PGD, FAB, Square"}


def table(reports: Path) -> str:
    """The Markdown table and a line on how it came about; empty where nothing was measured."""
    path = reports / "benchmarks" / "attack_speed.csv"
    if not path.exists():
        return ""
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    first = frame[frame["seconds"].notna()].iloc[-1]
    many = f"{first['images']:.0f} images, median of {first['rounds']:.0f} rounds"
    return "\n".join([*lines(frame), "", f"{many}; {first['machine']}, load {first['load']}; {first['versions']}."])


def lines(frame: pd.DataFrame) -> Iterator[str]:
    """A line a library, the numbers for both models beside each other."""
    heads = [f"{title}: images/s | time over floor | robust, %" for title in MODELS.values()]
    yield f"| attack | library | {' | '.join(heads)} |"
    yield "|---|---|" + "---|---|---|" * len(MODELS)
    for attack, name in NAMES.items():
        some = frame[frame["attack"] == attack]
        libraries = list(some["library"].unique())
        for library in libraries:
            rows = [some[(some["library"] == library) & (some["model"] == model)] for model in MODELS]
            yield f"| {name if library == libraries[0] else ''} | {library} | {' | '.join(map(cells, rows))} |"


def cells(row: pd.DataFrame) -> str:
    """Three cells of a library on a model."""
    if row.empty or math.isnan(row["seconds"].iloc[0]):
        return "did not run |  | "
    one = row.iloc[0]
    robust = "" if math.isnan(one["robust_accuracy"]) else f"{100 * one['robust_accuracy']:.1f}"
    return f"{one['images_per_second']:.1f} | {one['ratio_to_floor']:.2f} | {robust}"
