"""A row of the STRENGTH table, and the two ways to make one from a count."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from robustgan.strength.limits import LEAST, allowed

Status = Literal["pass", "warn", "fail", "not run"]


class Row(NamedTuple):
    """What one check says about one classifier."""

    check: str
    status: Status
    found: str
    expected: str
    value: float = math.nan
    limit: float = math.nan
    images: int = 0


def not_run(check: str, why: str, expected: str, images: int = 0) -> Row:
    """A check without a measurement: never a pass."""
    return Row(check, "not run", f"not measured: {why}", expected, images=images)


def counted(check: str, count: int, n: int, share: float, found: str, expected: str) -> Row:
    """Judge a count out of n: fail beyond chance, warn beyond the share that is tolerated."""
    limit = allowed(n, share)
    if count > limit:
        return Row(check, "fail", found, expected, count, limit, n)
    if n < LEAST:
        return Row(check, "not run", f"too few images ({n}, at least {LEAST}): {found}", expected, count, limit, n)
    return Row(check, "warn" if count > share * n else "pass", found, expected, count, limit, n)
