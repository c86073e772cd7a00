"""Gates on the classifier under attack: what it loses, which cancers it misses, what is left in the worst case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd

from robustgan import metrics
from robustgan.gates.clean import Places, whole
from robustgan.gates.evidence import Run
from robustgan.gates.gate import Budget, Case, IntervalGate, at_budget, budget, reading_of
from robustgan.gates.rows import Row
from robustgan.metrics import WORST

CONTROLS = ("clean", "noise")  # what a gate on attacks leaves out unless it is named


_RIVALS = ["model", "source", "norm", "seed"]  # each with a worst case of its own


class Measure(NamedTuple):
    """Where a number under attack stands in METRICS."""

    metric: str
    column: Literal["value", "drop"]
    at_least: bool


ATTACKED = {
    "sensitivity_drop": Measure("sensitivity", "drop", False),
    "specificity_drop": Measure("specificity", "drop", False),
    "missed_cancers": Measure("missed_cancers", "value", False),
    "false_alarms": Measure("false_alarms", "value", False),
    "attacked_ece": Measure("ece", "value", False),
    "attacked_brier": Measure("brier", "value", False),
    "robust_accuracy": Measure("accuracy", "value", True),
    "robust_sensitivity": Measure("sensitivity", "value", True),
    "robust_specificity": Measure("specificity", "value", True),
}


class Attacked(IntervalGate):
    """Settings that say which attacks a gate is about."""

    robustness: ClassVar[bool] = True

    attacks: tuple[str, ...] = ()  # names in the tables; empty: every attack but the controls, and `worst-case`
    norm: Literal["linf", "l2", "unrestricted"] | None = None  # None: every norm
    eps: Budget | None = None  # on the [0, 1] scale; None: every budget that was run

    def cells(self, rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
        """The rows of each attack that the gate is about, with its name; none are an empty table."""
        here = rows[self.within(rows)]
        names = self.attacks or tuple(name for name in here["attack"].unique() if name not in CONTROLS)
        for name in names or ("any attack",):
            yield name, here[here["attack"] == name]

    def within(self, rows: pd.DataFrame) -> pd.Series[bool]:
        """Which rows are within the gate's norm and at its budget."""
        found = pd.Series(True, index=rows.index)
        if self.norm is not None:
            found &= rows["norm"] == self.norm
        if self.eps is not None:
            found &= np.isclose(rows["eps"], self.eps, rtol=1e-6, atol=1e-9)
        return found

    @property
    def threat(self) -> str:
        """The budget in words."""
        if self.eps is None:
            return self.norm or "any budget"
        return budget(self.norm or "eps", self.eps)

    def measured(self, run: Run) -> pd.DataFrame:
        """METRICS of the run; with a worst case at the gate's own budget where the run has several.

        A gate that names no attack is about the worst case too.
        """
        if self.eps is None or (self.attacks and WORST not in self.attacks):
            return run.metrics
        here = run.metrics[self.within(run.metrics)]
        have, need = (
            set(rows[_RIVALS].itertuples(index=False, name=None)) for rows in (here[here["attack"] == WORST], here)
        )
        if have == need:
            return run.metrics
        return metrics.evaluate(run.predictions[self.within(run.predictions)])


class AttackedGate(Attacked):
    """A metric under attack."""

    kind: Literal[
        "sensitivity_drop", "specificity_drop", "missed_cancers", "false_alarms", "attacked_ece", "attacked_brier",
        "robust_accuracy", "robust_sensitivity", "robust_specificity",
    ]  # fmt: skip
    magnification: Places = "pooled"

    @property
    def at_least(self) -> bool:
        """What is left is at least; what is lost is at most."""
        return ATTACKED[self.kind].at_least

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model, attack, budget and magnification."""
        measure = ATTACKED[self.kind]
        found = self.measured(case.run)
        for model in self.judged(case.run):
            rows = whole(found, model, measure.metric, self.magnification)
            for name, cells in self.cells(rows):
                if cells.empty:
                    said = f"the run has no `{measure.metric}` under {name} at {self.threat}"
                    yield self.unknown(model, f"{self.magnification}, {name} {self.threat}", said)
                for _, row in cells.iterrows():
                    held = self.held(model, scope_of(row), reading_of(row, measure.column), case.fewest)
                    yield at_budget(held, str(row["norm"]), float(row["eps"]))


def scope_of(row: pd.Series[Any]) -> str:
    """Where a METRICS row stands, in words."""
    parts = [str(row["magnification"]), f"{row['attack']} {budget(str(row['norm']), float(row['eps']))}"]
    parts += [f"made on {row['source']}"] if row["source"] != row["model"] else []
    return ", ".join([*parts, f"seed {row['seed']}"] if row["seed"] else parts)
