"""What all gates share: a name, a reason, whom they judge."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import pandas as pd
from pydantic import Field

from robustgan.config import Number, Spec
from robustgan.gates.decision import Deciding, Limit, Reading, decide
from robustgan.gates.evidence import Run
from robustgan.gates.rows import Row

Fraction = Annotated[Number, Field(ge=0, le=1)]
Budget = Annotated[Number, Field(ge=0)]


@dataclass(frozen=True)
class Case:
    """What a gate gets: the run, the run that it is held against, and the policy's smallest number of patients."""

    run: Run
    fewest: int
    baseline: Run | None = None


class Gate(Spec):
    """One demand of a policy."""

    robustness: ClassVar[bool] = False  # a pass says that attacks failed

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    kind: str
    why: Annotated[str, Field(min_length=1)]  # what goes wrong for a patient, or for the reader, without this gate
    models: tuple[str, ...] = ()  # names of classifiers; empty: all

    @abstractmethod
    def rows(self, case: Case) -> Iterator[Row]:
        """What became of it, place by place."""

    def judged(self, run: Run) -> tuple[str, ...]:
        """The classifiers that it is about; one that the policy names counts even where the run lacks it."""
        return self.models or run.models

    def exact(self, model: str, scope: str, holds: bool, reason: str, **numbers: float) -> Row:
        """A row about a count, which has no interval: it passes or fails."""
        status = "pass" if holds else "fail"
        return Row(self.name, self.kind, model, scope, status, reason, robustness=self.robustness, **numbers)  # type: ignore[arg-type]

    def unknown(self, model: str, scope: str, reason: str) -> Row:
        """A row about something that was not measured."""
        return Row(self.name, self.kind, model, scope, "indeterminate", reason, robustness=self.robustness)


class IntervalGate(Gate):
    """A demand on a number that has an interval."""

    limit: Fraction
    bound: Deciding  # which end of the 95 % interval decides

    @property
    @abstractmethod
    def at_least(self) -> bool:
        """Whether the number must be at least the limit, not at most."""

    def held(self, model: str, scope: str, reading: Reading, fewest: int) -> Row:
        """The row of one number."""
        status, reason = decide(reading, Limit(self.limit, self.at_least, self.bound, fewest))
        return Row(
            self.name, self.kind, model, scope, status, reason, reading.value, reading.low, reading.high, self.limit,
            self.bound, reading.images, reading.groups, self.robustness,
        )  # fmt: skip


def at_budget(row: Row, norm: str, eps: float) -> Row:
    """The row, with the budget of the attack that it is about: strength at another one is no evidence for it."""
    return replace(row, norm=norm, eps=eps)


def reading_of(row: pd.Series[Any], column: str) -> Reading:
    """One number of a METRICS row: `clean`, `value` or `drop`."""
    stem = "" if column == "value" else f"{column}_"
    note = "" if pd.isna(row["note"]) else str(row["note"])
    value, low, high = (float(row[name]) for name in (column, f"{stem}low", f"{stem}high"))
    return Reading(value, low, high, int(row["images"]), int(row["groups"]), note)


def budget(norm: str, eps: float) -> str:
    """A budget in words."""
    if math.isnan(eps):
        return norm
    return f"{norm} {eps * 255:.6g}/255" if norm == "linf" else f"{norm} {eps:.6g}"
