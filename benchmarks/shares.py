"""What the README's tables have in common: how a share is written, and which suites have rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any


def tabled(head: str, folders: Iterable[Path], needed: str, rows: Callable[[Path], Iterable[str]]) -> str:
    """A Markdown table of the reports that have the file; empty where none has."""
    lines = [line for folder in folders if (folder / needed).exists() for line in rows(folder)]
    return "\n".join([head, *lines]) if lines else ""


def percent(row: Mapping[Any, Any], value: str = "value", low: str = "low", high: str = "high") -> str:
    """A share in per cent with its interval, or `n/a`."""
    numbers = [100 * row[name] for name in (value, low, high)]
    if math.isnan(numbers[0]):
        return "n/a"
    if math.isnan(numbers[1]):
        return f"{numbers[0]:.1f}"
    return f"{numbers[0]:.1f} ({numbers[1]:.1f}–{numbers[2]:.1f})"
