"""Every number of a report, from rows: PREDICTIONS to METRICS, GENERATED to FOOLING. No torch.

`definitions.py` says what each metric is; a new one goes there. `table.py` makes the METRICS table.
"""

from robustgan.metrics.comparison import compare
from robustgan.metrics.definitions import METRIC_NAMES
from robustgan.metrics.ensemble import WORST, worst_case
from robustgan.metrics.generated import FOOLING_NAMES, fooling
from robustgan.metrics.operating import at, choose
from robustgan.metrics.people import PEOPLE_NAMES
from robustgan.metrics.reliability import calibration
from robustgan.metrics.table import evaluate, works

__all__ = [
    "FOOLING_NAMES",
    "METRIC_NAMES",
    "PEOPLE_NAMES",
    "WORST",
    "at",
    "calibration",
    "choose",
    "compare",
    "evaluate",
    "fooling",
    "works",
    "worst_case",
]
