"""Is the evidence strong enough to believe a classifier robust?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

SOUND = ("pass", "warn")  # of a check; a status that nobody knows is none

# Without these nobody can say that an attack was strong. The verdict is about the run's own attacks, so probes alone
# are not enough: `attacks of the run` holds the one against the other, at the budget that is judged. The checks that
# are not here need what a run may do without: an ensemble, saved images.
REQUIRED = (
    *("outputs", "saturation", "determinism", "company", "zero gradients", "gradient agreement", "noise control"),
    *("one-step", "black-box", "transfer", "noise pattern", "iterations", "restarts", "larger budgets", "unbounded"),
    "attacks of the run",
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


def statuses(strength: pd.DataFrame) -> dict[str, str]:
    """Status of each check of one classifier; of two rows of one check, the graver one."""
    found: dict[str, str] = {}
    for check, status in zip(strength["check"].astype(str), strength["status"].astype(str), strict=True):
        found[check] = max(found.get(check, "pass"), status, key=_gravity)
    return found


def doubts(found: Mapping[str, str]) -> tuple[str, ...]:
    """The checks that put the strength of the attacks in doubt, with their status: those that are not sound.

    A check that is not required may be left out; a required one that is not in the table was not run.
    """
    told = {**dict.fromkeys(REQUIRED, "not run"), **found}
    return tuple(
        f"{check} ({status or 'no status'})"
        for check, status in told.items()
        if status not in SOUND and (check in REQUIRED or status != "not run")
    )


def verdict(strength: pd.DataFrame) -> Verdict:
    """Sum up the STRENGTH rows of one classifier. No rows, no evidence."""
    said = [f"{row.check}: {row.found}" for row in strength.itertuples()]
    status = strength["status"].tolist()
    failed = tuple(text for text, one in zip(said, status, strict=True) if one not in (*SOUND, "not run"))
    warned = tuple(text for text, one in zip(said, status, strict=True) if one == "warn")
    ran = set(strength.loc[strength["status"] != "not run", "check"])
    missing = tuple(check for check in REQUIRED if check not in ran)
    return Verdict(not doubts(statuses(strength)), failed, missing, warned)


def _gravity(status: str) -> int:
    return SOUND.index(status) if status in SOUND else len(SOUND)
