"""Gates on what saving an attacked image undoes: an attack that no file can carry flatters the model.

The number is the share of images, right when clean, that the attack turned before the step and that are right again
after it. It is defined where no attack succeeds at all, unlike the share of successes that survive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pandas as pd

from robustgan.gates.attacked import Attacked
from robustgan.gates.decision import Reading
from robustgan.gates.gate import Case, at_budget, budget
from robustgan.gates.rows import Row
from robustgan.metrics.estimates import FEWEST
from robustgan.statistics import NO_INTERVAL, korn_graubard

STEPS = {  # kind: label before the step, label after it
    "lost_to_8bit": ("float_pred", "pred"),
    "lost_to_png": ("pred", "png_pred"),
    "lost_to_jpeg": ("pred", "jpeg_pred"),
}
CELL = ["attack", "norm", "eps", "source", "seed"]


class SavingGate(Attacked):
    """How many fooling images are no longer fooling once they are saved."""

    robustness: ClassVar[bool] = True

    kind: Literal["lost_to_8bit", "lost_to_png", "lost_to_jpeg"]

    @property
    def at_least(self) -> bool:
        """What is lost is at most the limit."""
        return False

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model, attack and budget; pooled over magnifications."""
        table = case.run.survival
        for model in self.judged(case.run):
            if table is None or (table["model"] != model).all():
                yield self.unknown(model, self.threat, "the run has no survival.parquet with this model")
                continue
            for name, cells in self.cells(table[table["model"] == model]):
                if cells.empty:
                    yield self.unknown(model, f"{name} {self.threat}", f"no images of {name} were saved and judged")
                for key, images in cells.groupby(CELL, dropna=False):
                    held = self.held(model, _scope(key, model), lost(images, *STEPS[self.kind]), case.fewest)
                    yield at_budget(held, str(images["norm"].iloc[0]), float(images["eps"].iloc[0]))


def lost(images: pd.DataFrame, before: str, after: str) -> Reading:
    """The share of images, right when clean, that a step makes right again; interval clustered by patient."""
    right = images[images["clean_pred"] == images["label"]]
    if right.empty:
        return Reading(note="no image was right when clean")
    undone = (right[before] != right["label"]) & (right[after] == right["label"])
    sums = undone.astype(float).groupby(right["group"]).agg(["sum", "size"]).astype(float)
    ends = NO_INTERVAL if len(sums) < FEWEST else korn_graubard(sums["sum"].to_numpy(), sums["size"].to_numpy())
    return Reading(float(undone.mean()), *ends, len(right), len(sums))


def _scope(key: Any, model: str) -> str:
    attack, norm, eps, source, seed = key  # the values of CELL
    parts = [f"{attack} {budget(norm, eps)}"]
    parts += [f"made on {source}"] if source != model else []
    return ", ".join([*parts, f"seed {seed}"] if seed else parts)
