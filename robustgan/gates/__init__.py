"""A policy in, a verdict out: pass, fail, incomplete or indeterminate, with the bound that decided; no torch.

`policy.py` has what a policy can say; a kind of gate is a class in a file of its own, and one entry there. `verdict.py`
puts the rows together; `junit.py`, `sarif.py`, `document.py` and `summary.py` write them down.
"""

from robustgan.gates.evidence import Run, read_run
from robustgan.gates.policy import Policy, read_policy
from robustgan.gates.rows import Row
from robustgan.gates.verdict import Verdict, judge

__all__ = ["Policy", "Row", "Run", "Verdict", "judge", "read_policy", "read_run"]
