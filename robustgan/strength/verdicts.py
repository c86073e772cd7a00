"""Is the evidence strong enough to believe a classifier robust?"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

# Without these nobody can say that an attack was strong. The others need what a run may do without: attacks of its own
# at the budget that is judged, saved images.
REQUIRED = (
    *("outputs", "saturation", "determinism", "company", "zero gradients", "gradient agreement", "noise control"),
    *("one-step", "black-box", "transfer", "noise pattern", "iterations", "restarts", "larger budgets", "unbounded"),
)


class Verdict(NamedTuple):
    """What the checks of one classifier come to."""

    strong: bool  # only then may a robustness gate pass
    failed: tuple[str, ...]  # "check: what was found"
    missing: tuple[str, ...]  # required, and not run
    warned: tuple[str, ...]

    @property
    def reason(self) -> str:
        """One sentence for people."""
        if self.failed:
            return f"the evidence is broken: {'; '.join(self.failed)}"
        if self.missing:
            return f"the evidence is not there: {'; '.join(self.missing)}"
        return "no strength check fails"


def verdict(strength: pd.DataFrame) -> Verdict:
    """Sum up the STRENGTH rows of one classifier. No rows, no evidence."""
    said = [f"{row.check}: {row.found}" for row in strength.itertuples()]
    status = strength["status"].tolist()
    failed = tuple(text for text, one in zip(said, status, strict=True) if one == "fail")
    warned = tuple(text for text, one in zip(said, status, strict=True) if one == "warn")
    ran = set(strength.loc[strength["status"] != "not run", "check"])
    missing = tuple(check for check in REQUIRED if check not in ran)
    return Verdict(not failed and not missing, failed, missing, warned)
