"""What became of one gate at one place: the row that every output (report, JUnit, SARIF, JSON, Markdown) shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["pass", "fail", "incomplete", "indeterminate"]
Bound = Literal["low", "high", "point", "exact"]  # exact: a count without an interval

PRECEDENCE: tuple[Status, ...] = ("fail", "incomplete", "indeterminate", "pass")
"""Which status of several is the status of all.

`fail` first: what is proven stays proven, whatever else is missing. `incomplete` before `indeterminate`: finishing the
run mends it, and what is missing may still fail. `pass` last: it needs every gate.
"""

EXIT_CODES: dict[Status, int] = {"pass": 0, "fail": 1, "incomplete": 3, "indeterminate": 4}  # 2: wrong usage


@dataclass(frozen=True)
class Row:
    """One gate at one place (a model, a magnification, an attack at a budget)."""

    gate: str  # name in the policy
    kind: str
    model: str  # empty: the gate is about the run, not about one model
    scope: str  # where, in words; empty: everywhere
    status: Status
    reason: str  # one sentence for people
    observed: float = math.nan  # fraction, count or difference; NaN where there is none
    low: float = math.nan  # lower end of the 95 % interval, clustered by patient
    high: float = math.nan  # upper end
    limit: float = math.nan  # what the policy allows
    bound: Bound = "exact"  # what was held against the limit
    images: int = 0  # behind the number
    groups: int = 0  # patients behind the number
    robustness: bool = False  # a pass says that attacks failed: it is worth no more than the attacks were
    norm: str = ""  # of the attack that was judged; empty: none was
    eps: float = math.nan  # its budget, on the [0, 1] scale; NaN: it has none


def worst(statuses: Iterable[Status]) -> Status:
    """The status of several gates together; of none, `indeterminate`: nothing was shown."""
    found = set(statuses)
    return next((status for status in PRECEDENCE if status in found), "indeterminate")
