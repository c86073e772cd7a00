"""Were two runs attacked in the same way? A search of one step and one of forty have the same name in the tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from robustgan.gates.completeness import attack_of
from robustgan.gates.evidence import Run, listed
from robustgan.gates.gate import budget
from robustgan.metrics.ensemble import CLEAN, CONTROLS, WORST

PLACE = ["source", "norm", "seed"]  # with the budget: attacks that differ in nothing else make one worst case
_NAMED = ("name", "threat")  # of an entry of the config: by these it is found, they are no difference


def lacking(row: pd.Series[Any], cells: pd.DataFrame) -> list[str]:
    """Attacks of the baseline that the run has not, and that the row is about, in words.

    Args:
        row: a COMPARISON row; its first run is the baseline.
        cells: the COMPARISON rows of the same models and metric.
    """
    gone = cells[(cells["images"] == 0) & (cells["first_only"] > 0)]
    if row["attack"] == WORST:
        gone = gone[(gone[PLACE] == row[PLACE]).all(axis=1) & (gone["eps"] >= row["eps"] * (1 - 1e-6))]
        gone = gone[~gone["attack"].isin(CONTROLS)]
    else:
        gone = gone[gone.index == row.name]
    return list(dict.fromkeys(_titles(gone)))


def differing(row: pd.Series[Any], cells: pd.DataFrame, baseline: Run, run: Run) -> list[str]:
    """Settings of the attacks behind a COMPARISON row that are not the same in both runs, in words."""
    if row["attack"] == CLEAN:
        return []
    if row["attack"] != WORST:
        return list(differences(str(row["attack"]), str(row["norm"]), float(row["eps"]), baseline, run))
    rivals = cells[(cells[PLACE] == row[PLACE]).all(axis=1) & (cells["eps"] == row["eps"]) & (cells["images"] > 0)]
    names = [name for name in rivals["attack"].unique() if name not in CONTROLS]
    place = str(row["norm"]), float(row["eps"])
    return [told for name in names for told in differences(str(name), *place, baseline, run)]


def differences(name: str, norm: str, eps: float, baseline: Run, run: Run) -> Iterator[str]:
    """What run.json of either says about an attack and that of the other does not."""
    title = f"{name} {budget(norm, eps)}"
    old, new = (settings(found, name, norm, eps) for found in (baseline, run))
    if old is None or new is None:
        yield f"{title}: run.json of the {'baseline' if old is None else 'run'} does not say how it was set"
        return
    for key in dict.fromkeys([*old, *new]):
        there, here = (repr(found[key]) if key in found else "nothing" for found in (old, new))
        if there != here:
            yield f"{title}: {key} {there} in the baseline, {here} in the run"


def settings(run: Run, name: str, norm: str, eps: float) -> dict[str, Any] | None:
    """How the config of a run sets an attack; None where it does not say."""
    for entry in listed(run.config, "attacks"):
        if not isinstance(entry, dict):
            continue
        found = attack_of(entry)
        same = math.isclose(found.eps, eps, rel_tol=1e-6) or (math.isnan(found.eps) and math.isnan(eps))
        if (found.label, found.norm) == (name, norm) and same:
            return {key: value for key, value in entry.items() if key not in _NAMED}
    return None


def _titles(rows: pd.DataFrame) -> Iterator[str]:
    for _, row in rows.iterrows():
        seed = f", seed {row['seed']}" if row["seed"] else ""
        yield f"{row['attack']} {budget(str(row['norm']), float(row['eps']))}{seed}"
