"""Gates on the classifier without any attack: does it work, and does it know how sure it is?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from robustgan.gates.gate import Case, IntervalGate, reading_of
from robustgan.gates.rows import Row
from robustgan.metrics.cells import ALL, POOLED
from robustgan.metrics.definitions import IMAGE

Places = Literal["each", "pooled"]

CLEAN = {  # kind: metric, and whether it must be at least the limit
    "clean_sensitivity": ("sensitivity", True),
    "clean_specificity": ("specificity", True),
    "clean_balanced_accuracy": ("balanced_accuracy", True),
    "clean_auroc": ("auroc", True),
    "clean_ece": ("ece", False),
    "clean_brier": ("brier", False),
}


class CleanGate(IntervalGate):
    """A metric of the original test images."""

    kind: Literal[
        "clean_sensitivity", "clean_specificity", "clean_balanced_accuracy", "clean_auroc", "clean_ece", "clean_brier"
    ]
    magnification: Places = "pooled"

    @property
    def at_least(self) -> bool:
        """Calibration errors are at most; all else is at least."""
        return CLEAN[self.kind][1]

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model and magnification."""
        metric = CLEAN[self.kind][0]
        for model in self.judged(case.run):
            found = originals(whole(case.run.metrics, model, metric, self.magnification))
            if found.empty:
                yield self.unknown(model, self.magnification, f"the run has no `{metric}` of this model")
            for _, row in found.iterrows():
                yield self.held(model, str(row["magnification"]), reading_of(row, "clean"), case.fewest)


def whole(rows: pd.DataFrame, model: str, metric: str, magnification: Places) -> pd.DataFrame:
    """METRICS rows of a model and metric over all subtypes, at each magnification or pooled.

    Where the images have one magnification that nobody knows, the pooled rows are those of each.
    """
    rows = rows[(rows["model"] == model) & (rows["metric"] == metric) & (rows["unit"] == IMAGE)]
    return placed(rows[rows["subtype"] == ALL], magnification)


def placed(rows: pd.DataFrame, magnification: Places) -> pd.DataFrame:
    """The rows of each magnification, or the pooled ones."""
    pooled = rows["magnification"] == POOLED
    return rows[~pooled] if magnification == "each" and (~pooled).any() else rows[pooled]


def originals(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a magnification (and subtype): of the control `clean`, else of the attack that was shown most images."""
    order = rows.assign(control=rows["attack"] != "clean", fewer=-rows["images"])
    kept = order.sort_values(["control", "fewer"], kind="stable").drop_duplicates(["magnification", "subtype"])
    return rows.loc[sorted(kept.index)]
