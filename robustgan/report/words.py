"""How numbers are written: fractions as percentages, drops in points, never 0 for what is undefined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from robustgan.report.document import Cell, Status

UNDEFINED = "n/a"
MARKS: dict[str, Status] = {"pass": "good", "warn": "poor", "fail": "bad"}  # everything else is open


def percent(value: float) -> str:
    """A fraction as a percentage with one decimal, without the sign."""
    return UNDEFINED if math.isnan(value) else f"{100 * value + 0.0:.1f}"


def interval(value: float, low: float, high: float) -> str:
    """A fraction and its interval, as percentages: `94.1 (88.0-97.6)`."""
    if math.isnan(value):
        return UNDEFINED
    return percent(value) + ("" if math.isnan(low) or math.isnan(high) else f" ({percent(low)}-{percent(high)})")


def points(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """A difference of fractions in percentage points, with its interval: `82.1 (70.3 to 90.2)`."""
    if math.isnan(value):
        return UNDEFINED
    text = _no_minus_zero(percent(value))
    if math.isnan(low) or math.isnan(high):
        return text
    return f"{text} ({_no_minus_zero(percent(low))} to {_no_minus_zero(percent(high))})"


def _no_minus_zero(text: str) -> str:
    return "0.0" if text == "-0.0" else text


def p_value(value: float) -> str:
    """A p-value with three decimals."""
    if math.isnan(value):
        return UNDEFINED
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def plain(value: float, digits: int = 4) -> str:
    """Any other number."""
    return UNDEFINED if math.isnan(value) else f"{value:.{digits}g}"


def count(number: float, one: str, many: str = "") -> str:
    """A number with its noun: `1 image`, `7,192 images`."""
    return f"{int(number):,} {one if int(number) == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """Join words the way people do: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def sized(images: float, groups: float = 0) -> str:
    """What a number was counted from: `1,169 images of 109 patients`; nothing where no image was counted."""
    of = f" of {count(groups, 'patient')}" if groups else ""
    return f"{count(images, 'image')}{of}" if images else ""


def rest(row: Mapping[str, Any]) -> str:
    """What the numbers of a row of METRICS rest on."""
    return sized(row["images"], row["groups"])


def share_cell(value: float, low: float, high: float, of: str, note: str = "") -> Cell:
    """A cell with a fraction, its interval and what it was counted from, or `n/a` and the reason."""
    if math.isnan(value):
        return absent(note)
    return Cell(interval(value, low, high), value, hint=of)


def drop_cell(value: float, low: float, high: float, of: str, note: str = "") -> Cell:
    """A cell with a drop, its interval and what it was counted from, or `n/a` and the reason."""
    if math.isnan(value):
        return absent(note)
    return Cell(points(value, low, high), value, hint=of)


def value_cell(value: float, text: str, of: str) -> Cell:
    """A cell with any other estimate and what it was counted from, or `n/a`."""
    return absent() if math.isnan(value) else Cell(text, value, hint=of)


def count_cell(value: float) -> Cell:
    """A cell with a whole number."""
    return absent() if math.isnan(value) else Cell(f"{int(value):,}", float(value))


def absent(reason: str = "") -> Cell:
    """A cell for what is undefined: `n/a`, with the reason where there is one."""
    return Cell(f"{UNDEFINED} ({reason})" if reason else UNDEFINED, math.nan, muted=True)


def status_cell(word: str) -> Cell:
    """A cell with the outcome of a gate or a check."""
    return Cell(word, status=mark(word))


def mark(word: str) -> Status:
    """How an outcome is marked: what is neither pass, warn nor fail is open, never good."""
    return MARKS.get(word, "open")
