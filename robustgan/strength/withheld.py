"""What was planned and is not there: a check on part of its evidence could be a check on the part that went well."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from robustgan.probes import planned
from robustgan.strength.fooled import Probed
from robustgan.strength.rows import Row, not_run

# The probes that a check is about. What they are compared with is not among them: where a stronger attack is missing,
# the weaker one has less to beat, and the check is only harder to pass.
NEEDS = {
    "noise control": ("noise",),
    "one-step": ("one-step",),
    "black-box": ("black-box",),
    "transfer": ("transfer",),
    "noise pattern": ("quiet",),
    "expectation": ("expectation",),
    "iterations": ("iterations",),
    "restarts": ("restarts",),
    "larger budgets": ("budget",),
    "unbounded": ("budget",),
    "attacks of the run": (
        *("iterations", "restarts", "one-step", "quiet", "black-box", "noise", "transfer", "expectation", "budget"),
    ),
}
WORDS = 200  # characters of an error


def withheld(rows: Iterable[Row], probed: Probed, folds: Mapping[str, Mapping[str, Any]]) -> Iterator[Row]:
    """The rows; those of a check whose probe lacks a planned setting were not run."""
    missing = gaps(probed, folds)
    for row in rows:
        why = next((missing[probe] for probe in NEEDS.get(row.check, ()) if probe in missing), "")
        yield not_run(row.check, why, row.expected, row.images) if why else row


def gaps(probed: Probed, folds: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Probes that lack a planned setting in a fold, and why: it failed, or the table does not have it.

    A probe that the table does not have at all is no gap: the check says itself that it was not measured.
    """
    found: dict[str, str] = {}
    for fold, facts in folds.items():
        for what, error in facts.get("failures", {}).items():
            found.setdefault(what.rpartition(" ")[0], f"{what} failed in fold {fold} ({str(error)[:WORDS]})")
    plan = planned(probed.eps, reach(probed, folds))
    there = probed.rows.groupby(["probe", probed.rows["fold"].astype(str)])["setting"].unique()
    asked = sorted({fold for fold, facts in folds.items() if facts.get("right")} | set(probed.rows["fold"].astype(str)))
    for probe in probed.rows["probe"].unique():
        for fold in asked:
            done = there.get((probe, fold), ())
            lost = [setting for setting in plan.get(probe, []) if not any(_same(setting, one) for one in done)]
            if lost or not len(done):
                what = ", ".join(map(_told, lost)) or "any row"
                found.setdefault(str(probe), f"the probes of fold {fold} do not have {probe} {what}")
    return found


def reach(probed: Probed, folds: Mapping[str, Mapping[str, Any]]) -> float:
    """The longest change that an image allows; infinite, and so never reached, where nothing says it (L2)."""
    if probed.norm == "linf":
        return 1.0
    return max((float(facts["longest"]) for facts in folds.values() if "longest" in facts), default=math.inf)


def _told(setting: float) -> str:
    return f"{setting:.4g}" if math.isfinite(setting) else "the whole range, and nothing says how far that is"


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-6)
