"""Gates on the worst subgroup: an average can hide one magnification or one kind of tumour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from robustgan.gates.attacked import Attacked, scope_of
from robustgan.gates.clean import originals
from robustgan.gates.evidence import Run
from robustgan.gates.gate import Case, IntervalGate, at_budget, reading_of
from robustgan.gates.rows import PRECEDENCE, Row
from robustgan.metrics.cells import ALL, POOLED, magnified
from robustgan.metrics.definitions import IMAGE
from robustgan.metrics.ensemble import WORST

Subgroups = Literal["magnification", "subtype"]


class SubgroupGate(IntervalGate):
    """The lowest accuracy of original images over subgroups."""

    kind: Literal["subgroup_accuracy"]
    by: tuple[Subgroups, ...] = Field(("magnification", "subtype"), min_length=1)

    @property
    def at_least(self) -> bool:
        """Accuracy is at least the limit."""
        return True

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model and kind of subgroup: its worst subgroup."""
        for model in self.judged(case.run):
            for kind in self.by:
                parts = originals(parted(case.run, case.run.metrics, model, kind))
                held = [
                    self.held(model, named(row, kind), reading_of(row, "clean"), case.fewest)
                    for _, row in parts.iterrows()
                ]
                worst = weakest(held, f"worst {kind}")
                yield told(worst, parts, kind) if worst else self.unknown(model, f"worst {kind}", f"no known {kind}")


class RobustSubgroupGate(Attacked):
    """The lowest accuracy under attack over subgroups."""

    kind: Literal["subgroup_robust_accuracy"]
    by: tuple[Subgroups, ...] = Field(("magnification", "subtype"), min_length=1)
    attacks: tuple[str, ...] = (WORST,)

    @property
    def at_least(self) -> bool:
        """Accuracy is at least the limit."""
        return True

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model, kind of subgroup and attack: its worst subgroup."""
        found = self.measured(case.run)
        for model in self.judged(case.run):
            for kind in self.by:
                for name, cells in self.cells(parted(case.run, found, model, kind)):
                    held = [self._row(model, row, kind, case.fewest) for _, row in cells.iterrows()]
                    scope = f"worst {kind}, {name} {self.threat}"
                    worst, lacks = weakest(held, scope), f"no accuracy by {kind} under {name}"
                    yield told(worst, cells, kind) if worst else self.unknown(model, scope, lacks)

    def _row(self, model: str, row: pd.Series[Any], kind: Subgroups, fewest: int) -> Row:
        held = self.held(model, f"{named(row, kind)}, {scope_of(row)}", reading_of(row, "value"), fewest)
        return at_budget(held, str(row["norm"]), float(row["eps"]))


def parted(run: Run, rows: pd.DataFrame, model: str, kind: Subgroups) -> pd.DataFrame:
    """METRICS rows of the accuracy of one model, one for each subgroup.

    Where no image of the model has a known magnification, all of them are one group: the pooled rows.
    """
    rows = rows[(rows["model"] == model) & (rows["metric"] == "accuracy") & (rows["unit"] == IMAGE)]
    pooled = rows["magnification"] == POOLED
    if kind == "subtype":
        return rows[(rows["subtype"] != ALL) & pooled]
    known = (run.predictions.loc[run.predictions["model"] == model, "magnification"] != 0).any()
    return rows[(rows["subtype"] == ALL) & (~pooled if known else pooled)]


def told(worst: Row, cells: pd.DataFrame, kind: Subgroups) -> Row:
    """The worst subgroup, with what is not known of the magnifications; where only some are, nothing passes."""
    if kind == "magnification" and (cells["magnification"] == POOLED).any():
        return replace(worst, reason=f"no image has a known magnification, so all are one group: {worst.reason}")
    if kind == "magnification" and worst.status == "pass" and (cells["magnification"] == magnified(0)).any():
        reason = f"some images have no known magnification and may be of any; {worst.reason}"
        return replace(worst, status="indeterminate", reason=reason)
    return worst


def named(row: pd.Series[Any], kind: Subgroups) -> str:
    """The subgroup that a row is about."""
    return str(row[kind])


def weakest(rows: list[Row], scope: str) -> Row | None:
    """The row that decides over several: by status, then by the lowest number; it says which subgroup it is."""
    if not rows:
        return None
    first = min(rows, key=lambda row: (PRECEDENCE.index(row.status), row.observed))
    told = f"{first.scope} is the worst of {len(rows)}: {first.reason}"
    return Row(**{**vars(first), "scope": scope, "reason": told})
