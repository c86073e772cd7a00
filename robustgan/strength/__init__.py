"""Is the attack strong enough to believe? Checks on what the probes measured; no torch."""

from robustgan.strength.checking import checks, robust
from robustgan.strength.verdicts import REQUIRED, SOUND, Verdict, doubts, statuses, verdict

__all__ = ["REQUIRED", "SOUND", "Verdict", "checks", "doubts", "robust", "statuses", "verdict"]
