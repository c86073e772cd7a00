"""Gates on the run itself: did everything that was to be done get done, and did the attacks that matter run?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, Literal, NamedTuple

import pandas as pd
from pydantic import Field

from robustgan.config import number
from robustgan.gates.crossing import sources
from robustgan.gates.evidence import Run, label_of, listed
from robustgan.gates.gate import Budget, Case, Gate, budget
from robustgan.gates.rows import Row

CELL = ["model", "source", "attack", "norm", "eps", "seed"]


class Wanted(NamedTuple):
    """An attack at a budget, as a config asks for it."""

    label: str  # in the tables
    kind: str
    norm: str
    eps: float  # NaN: no budget


class CompleteGate(Gate):
    """No stage failed, and every attack judged every test image of every fold, on every model, with every seed.

    With `transfer: true` also what was made against each other model.
    """

    kind: Literal["complete"]

    def rows(self, case: Case) -> Iterator[Row]:
        """One row; what is missing is incomplete, not failed."""
        run = case.run
        failures = listed(run.run, "failures")
        if failures:
            first = failures[0].get("stage", "?") if isinstance(failures[0], dict) else str(failures[0])
            yield self._row(False, f"{len(failures)} stages failed or were not run, first `{first}`; run it again")
            return
        if run.folds is None or run.folds.empty or run.predictions.empty or not run.config:
            yield self._row(False, "there are no predictions, or nothing says which were to be made")
            return
        share, lacking = coverage(run)
        if lacking:
            yield self._row(False, f"{len(lacking)} cells lack images, first {lacking[0]}; run it again", share)
            return
        yield self._row(True, "no stage failed, and every attack judged every test image", share)

    def _row(self, whole: bool, reason: str, share: float = math.nan) -> Row:
        row = self.exact("", "", whole, reason, observed=share, limit=1.0)
        return row if whole else replace(row, status="incomplete")


class RequiredAttacksGate(Gate):
    """Attacks that must have been run, by their kind or their name in the tables."""

    kind: Literal["required_attacks"]
    attacks: tuple[str, ...] = Field(min_length=1)
    norm: Literal["linf", "l2", "unrestricted"] | None = None
    eps: Budget | None = None  # on the [0, 1] scale; None: at any budget

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model."""
        kinds = {one.label: one.kind for one in wanted(case.run)}
        for model in self.judged(case.run):
            done = self._done(case.run, model)
            ran = {*done, *(kinds[label] for label in done if label in kinds)}
            missing = [name for name in self.attacks if name not in ran]
            numbers = {"observed": float(len(self.attacks) - len(missing)), "limit": float(len(self.attacks))}
            said = f"not run: {', '.join(missing)}" if missing else f"all were run: {', '.join(self.attacks)}"
            row = self.exact(model, "", not missing, said, **numbers)
            yield replace(row, status="incomplete") if missing else row

    def _done(self, run: Run, model: str) -> set[str]:
        """Names of the attacks that this model met within the gate's norm and budget."""
        done: set[str] = set()
        for rows in (run.predictions, run.generated):
            if rows is None:
                continue
            here = rows[(rows["model"] == model) & (True if self.norm is None else rows["norm"] == self.norm)]
            done |= {
                str(name)
                for name, eps in zip(here["attack"], here["eps"], strict=True)
                if self.eps is None or math.isclose(eps, self.eps, rel_tol=1e-6)
            }
        return done


def wanted(run: Run) -> list[Wanted]:
    """The attacks of the run's config."""
    return [attack_of(entry) for entry in listed(run.config, "attacks") if isinstance(entry, dict)]


def attack_of(entry: dict[str, Any]) -> Wanted:
    """An entry of the config."""
    threat = entry.get("threat") if isinstance(entry.get("threat"), dict) else {}
    eps = number(threat.get("eps")) if isinstance(threat, dict) else None
    norm = str(threat.get("norm", "unrestricted")) if isinstance(threat, dict) else "unrestricted"
    return Wanted(
        label_of(entry), str(entry.get("kind")), norm, float(eps) if isinstance(eps, int | float) else math.nan
    )


def coverage(run: Run) -> tuple[float, list[str]]:
    """The share of the wanted verdicts that the predictions hold, and the cells that lack some, in words."""
    folds = run.folds if run.folds is not None else pd.DataFrame(columns=["split", "image_id"])
    tested = set(folds.loc[folds["split"] == "test", "image_id"])
    made = set() if run.generated is None else set(zip(run.generated["model"], run.generated["attack"], strict=True))
    cells = {_key(key): set(part) for key, part in run.predictions.groupby(CELL, dropna=False)["image_id"]}
    lacking = [f"fold {fold}" for fold in missing_folds(run)]
    seeds = [seed for seed in listed(run.config, "seeds") if isinstance(seed, int)] or [0]
    found, asked = 0, 0
    for model in run.models:
        for attack in wanted(run):
            if (model, attack.label) in made:
                continue  # it paints images of its own; none of them has an original
            for source, seed in product(sources(run, model, attack.label), seeds):
                there = cells.get(_key((model, source, attack.label, attack.norm, attack.eps, seed)), set()) & tested
                found, asked = found + len(there), asked + len(tested)
                if there != tested:
                    against = f", made on {source}" if source != model else ""
                    what = f"{attack.label} {budget(attack.norm, attack.eps)}, seed {seed}, on {model}{against}"
                    lacking.append(f"{what} ({len(there)} of {len(tested)} images)")
    return (found / asked if asked else 0.0), lacking


def missing_folds(run: Run) -> list[int]:
    """Folds that the config asks for and the split does not have."""
    split = run.config.get("split")
    asked = listed(split, "folds") if isinstance(split, dict) else []
    there = set() if run.folds is None else set(run.folds["fold"])
    return [fold for fold in asked if fold not in there]


def _key(cell: Any) -> tuple[object, ...]:
    """What tells one cell from another, from the values of CELL; no budget (NaN) is equal to no budget."""
    model, source, attack, norm, eps, seed = cell
    return model, source, attack, norm, None if math.isnan(eps) else round(eps, 9), seed
