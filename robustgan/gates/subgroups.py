"""Gates on the worst subgroup: an average can hide one magnification or one kind of tumour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from robustgan.gates.attacked import Attacked, scope_of
from robustgan.gates.clean import originals
from robustgan.gates.gate import Case, IntervalGate, at_budget, reading_of
from robustgan.gates.rows import PRECEDENCE, Row
from robustgan.metrics.cells import ALL, POOLED
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
                parts = originals(parted(case.run.metrics, model, kind))
                held = [
                    self.held(model, named(row, kind), reading_of(row, "clean"), case.fewest)
                    for _, row in parts.iterrows()
                ]
                yield weakest(held, f"worst {kind}") or self.unknown(model, f"worst {kind}", f"no known {kind}")


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
                for name, cells in self.cells(parted(found, model, kind)):
                    held = [self._row(model, row, kind, case.fewest) for _, row in cells.iterrows()]
                    scope = f"worst {kind}, {name} {self.threat}"
                    yield weakest(held, scope) or self.unknown(model, scope, f"no accuracy by {kind} under {name}")

    def _row(self, model: str, row: pd.Series[Any], kind: Subgroups, fewest: int) -> Row:
        held = self.held(model, f"{named(row, kind)}, {scope_of(row)}", reading_of(row, "value"), fewest)
        return at_budget(held, str(row["norm"]), float(row["eps"]))


def parted(rows: pd.DataFrame, model: str, kind: Subgroups) -> pd.DataFrame:
    """METRICS rows of the accuracy of one model, one for each subgroup."""
    rows = rows[(rows["model"] == model) & (rows["metric"] == "accuracy") & (rows["unit"] == IMAGE)]
    if kind == "subtype":
        return rows[(rows["subtype"] != ALL) & (rows["magnification"] == POOLED)]
    return rows[(rows["subtype"] == ALL) & (rows["magnification"] != POOLED)]


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
