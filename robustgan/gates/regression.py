"""A gate on what got worse since a baseline run: the same images, paired, not two intervals side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from robustgan.gates.attacked import CONTROLS, Attacked
from robustgan.gates.clean import Places, placed
from robustgan.gates.decision import Reading
from robustgan.gates.evidence import Run
from robustgan.gates.gate import Case, at_budget, budget
from robustgan.gates.rows import Row
from robustgan.gates.sameness import differing, lacking
from robustgan.metrics.comparison import ITSELF, compare
from robustgan.metrics.ensemble import CLEAN, WORST


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
        found = self._compared(case.baseline, case.run)
        for model in self.judged(case.run):
            here = placed(found[found["other"] == model], self.magnification)
            here = here[self.within(here)]
            for name, cells in self.cells(here):
                if cells.empty:
                    said = f"the baseline and the run share no {name} at {self.threat} on this model"
                    yield self.unknown(model, f"{self.magnification}, {name} {self.threat}", said)
                for _, row in cells.iterrows():
                    held = self._row(model, row, case.fewest)
                    alike = here[here["magnification"] == row["magnification"]]
                    gone, unlike = lacking(row, alike), differing(row, alike, case.baseline, case.run)
                    yield doubted(held, row, gone, unlike if row["images"] else [])

    def _compared(self, baseline: Run, run: Run) -> pd.DataFrame:
        """COMPARISON rows of the metric, without what the run alone has; the worst case at the gate's own budget."""
        both = [found.predictions for found in (baseline, run)]
        found = compare(*both)
        here = found[self.within(found)]
        shared = here[(here["images"] > 0) & ~here["attack"].isin([*CONTROLS, WORST])]
        if self.eps is not None and (here["attack"] != WORST).all() and shared["attack"].nunique() > 1:
            narrow = compare(*(rows[self.within(rows)] for rows in both))
            found = pd.concat([found, narrow[narrow["attack"] == WORST]], ignore_index=True)
        new = (found["images"] == 0) & (found["first_only"] == 0) & (found["second_only"] > 0)
        return found[(found["metric"] == self.metric) & ~new]

    def _row(self, model: str, row: pd.Series[Any], fewest: int) -> Row:
        """The row of one cell."""
        told = [str(row["note"])] if row["note"] else []
        told += [f"sign-flip p {row['p']:.3g}, after Holm {row['p_holm']:.3g}"]
        value, low, high = (0.0 - float(row[end]) for end in ("difference", "high", "low"))  # 0 - 0 is no -0
        loss = Reading(value, low, high, int(row["images"]), int(row["groups"]), "; ".join(told))
        held = self.held(model, _scope(row), loss, fewest)
        held = at_budget(held, str(row["norm"]), float(row["eps"]))
        return replace(held, robustness=str(row["attack"]) not in CONTROLS)


def doubted(held: Row, row: pd.Series[Any], gone: list[str], unlike: list[str]) -> Row:
    """What is left of a row where the runs are not alike.

    Images and attacks that the baseline has and the run lacks may be those that got worse, so no pass is left. Attacks
    that were set in another way are other attacks: neither a pass nor a failure is left.
    """
    absent = int(row["first_only"])
    doubts = unlike
    if held.status != "fail":
        doubts = [f"the run lacks what the baseline has: {', '.join(gone)}"] * bool(gone) + unlike
        doubts += [f"the run lacks {absent} images that the baseline has"] * (absent > 0 and not gone)
    if not doubts:
        return held
    return replace(held, status="indeterminate", reason=f"{'; '.join(doubts)}; on the others: {held.reason}")


def _scope(row: pd.Series[Any]) -> str:
    named = f"{row['attack']} {budget(str(row['norm']), float(row['eps']))}"
    parts = [str(row["magnification"]), named if row["attack"] != CLEAN else CLEAN]
    parts += [f"against {row['model']}"] if row["model"] != row["other"] else []
    parts += [f"made on {row['source']}"] if row["source"] != ITSELF else []
    return ", ".join([*parts, f"seed {row['seed']}"] if row["seed"] else parts)
