"""How the README writes a share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def percent(row: Mapping[Any, Any], value: str = "value", low: str = "low", high: str = "high") -> str:
    """A share in per cent with its interval, or `n/a`."""
    numbers = [100 * row[name] for name in (value, low, high)]
    if math.isnan(numbers[0]):
        return "n/a"
    if math.isnan(numbers[1]):
        return f"{numbers[0]:.1f}"
    return f"{numbers[0]:.1f} ({numbers[1]:.1f}–{numbers[2]:.1f})"
