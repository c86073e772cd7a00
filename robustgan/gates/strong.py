"""Whether the attacks were strong enough to believe: what a failing check takes from every gate about robustness."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from robustgan.gates.completeness import attack_of
from robustgan.gates.evidence import Run
from robustgan.gates.gate import Case, Gate, budget
from robustgan.gates.rows import Row
from robustgan.strength import SOUND, doubts, statuses


class StrengthGate(Gate):
    """Every strength check passed. A check that does not says nothing bad of the model: it says nothing at all."""

    kind: Literal["strength"]

    def rows(self, case: Case) -> Iterator[Row]:
        """One row a model; never `fail`, for a weak attack proves nothing against a model."""
        for model in self.judged(case.run):
            doubt = undermined(case.run, model)
            if doubt:
                yield self.unknown(model, "", doubt)
                continue
            checks = _checks(case.run, model)
            warned = [check for check, status in checks.items() if status == "warn"]
            checks = {check: status for check, status in checks.items() if status in SOUND}
            said = f"{len(checks)} checks passed" + (f", with warnings: {', '.join(warned)}" if warned else "")
            yield self.exact(model, "", True, said, observed=float(len(checks)), limit=float(len(checks)))


def undermined(run: Run, model: str) -> str:
    """Why the strength of the attacks on this model is in doubt; empty where it is not.

    No table, a check that fails, and a required check (`strength.REQUIRED`) that was not run all put it in doubt.
    """
    checks = _checks(run, model)
    if not checks:
        return "no strength check was run on this model"
    bad = doubts(checks)
    return f"strength checks that did not pass: {', '.join(bad)}" if bad else ""


def elsewhere(run: Run, row: Row) -> str:
    """What to say where the strength of the attacks was measured at another budget than the row's; else empty.

    The row's own budget counts, whatever its gate says: a gate without `eps` judges every budget of the run.
    """
    rule = run.config.get("strength")
    if not isinstance(rule, dict) or not isinstance(rule.get("threat"), dict):
        return "nothing says at which budget the strength of the attacks was measured"
    there = attack_of(rule)
    if row.norm == there.norm and math.isclose(row.eps, there.eps, rel_tol=1e-6):
        return ""
    here = budget(row.norm or "any budget", row.eps)
    return f"the strength of attacks was measured at {budget(there.norm, there.eps)}, not at {here}"


def weakened(row: Row, run: Run) -> Row:
    """A pass about robustness is no pass where the attacks may have been weak; a failure stays one.

    A model that a weak attack fools already is fooled.
    """
    if not row.robustness or row.status != "pass":
        return row
    doubts = [undermined(run, model) for model in ([row.model] if row.model else run.models)]
    doubt = next(filter(None, [*doubts, elsewhere(run, row)]), "")
    if not doubt:
        return row
    return replace(row, status="indeterminate", reason=f"{doubt}; so this is not shown: {row.reason}")


def _checks(run: Run, model: str) -> dict[str, str]:
    """Status of each check on a model."""
    return {} if run.strength is None else statuses(run.strength[run.strength["model"] == model])
