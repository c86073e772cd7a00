"""A gate on what got worse since a baseline run: the same images, paired, not two intervals side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from robustgan.gates.attacked import CONTROLS, Attacked
from robustgan.gates.clean import Places, placed
from robustgan.gates.decision import Reading
from robustgan.gates.gate import Case, at_budget, budget
from robustgan.gates.rows import Row
from robustgan.metrics.comparison import ITSELF, compare
from robustgan.metrics.ensemble import CLEAN


class RegressionGate(Attacked):
    """How much less the run gets right than the baseline, on the images and attacks that both have.

    The limit is the largest loss that is allowed. With the bound `high` the gate passes only where a larger loss is
    ruled out (non-inferiority); with `low` it fails only where a larger loss is proven.
    """

    kind: Literal["no_regression"]
    metric: Literal["accuracy", "sensitivity", "specificity"]
    magnification: Places = "pooled"

    @property
    def at_least(self) -> bool:
        """A loss is at most the limit."""
        return False

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model, attack, budget and magnification."""
        if case.baseline is None:
            for model in self.judged(case.run):
                yield self.unknown(model, "", "no baseline run was given")
            return
        found = compare(case.baseline.predictions, case.run.predictions)
        found = found[found["metric"] == self.metric]
        for model in self.judged(case.run):
            here = placed(found[found["other"] == model], self.magnification)
            for name, cells in self.cells(here):
                if cells.empty:
                    said = f"the baseline and the run share no {name} at {self.threat} on this model"
                    yield self.unknown(model, f"{self.magnification}, {name} {self.threat}", said)
                for _, row in cells.iterrows():
                    yield self._row(model, row, case.fewest)

    def _row(self, model: str, row: pd.Series[Any], fewest: int) -> Row:
        """The row of one cell. Images that the baseline has and the run lacks may be those that got worse."""
        told = [str(row["note"])] if row["note"] else []
        told += [f"sign-flip p {row['p']:.3g}, after Holm {row['p_holm']:.3g}"]
        value, low, high = (0.0 - float(row[end]) for end in ("difference", "high", "low"))  # 0 - 0 is no -0
        loss = Reading(value, low, high, int(row["images"]), int(row["groups"]), "; ".join(told))
        held = self.held(model, _scope(row), loss, fewest)
        held = at_budget(held, str(row["norm"]), float(row["eps"]))
        held = replace(held, robustness=str(row["attack"]) not in CONTROLS)
        gone = int(row["first_only"])
        if held.status == "pass" and gone:
            said = f"the run lacks {gone} images that the baseline has; on the others: {held.reason}"
            return replace(held, status="indeterminate", reason=said)
        return held


def _scope(row: pd.Series[Any]) -> str:
    named = f"{row['attack']} {budget(str(row['norm']), float(row['eps']))}"
    parts = [str(row["magnification"]), named if row["attack"] != CLEAN else CLEAN]
    parts += [f"against {row['model']}"] if row["model"] != row["other"] else []
    parts += [f"made on {row['source']}"] if row["source"] != ITSELF else []
    return ", ".join([*parts, f"seed {row['seed']}"] if row["seed"] else parts)
