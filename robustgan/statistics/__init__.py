"""Intervals and tests for images that are clustered by patient. Every interval is at 95 %.

Images of one patient succeed and fail together, so an interval that counts images as independent covers 31 to
65 % where it says 95 % (reports/benchmarks/coverage.csv). Here the group (patient) is the unit.
"""

from robustgan.statistics.bootstrap import DRAWS, expanded_percentile, logit_t, resample
from robustgan.statistics.intervals import ALPHA, NO_INTERVAL, TINY, Interval, Term, outer, square_and_add
from robustgan.statistics.multiplicity import holm
from robustgan.statistics.paired import durkalski, mcnemar, sign_flip
from robustgan.statistics.proportions import clopper_pearson, correlation, icc, korn_graubard, wilson
from robustgan.statistics.ranking import delong

__all__ = [
    "ALPHA",
    "DRAWS",
    "NO_INTERVAL",
    "TINY",
    "Interval",
    "Term",
    "clopper_pearson",
    "correlation",
    "delong",
    "durkalski",
    "expanded_percentile",
    "holm",
    "icc",
    "korn_graubard",
    "logit_t",
    "mcnemar",
    "outer",
    "resample",
    "sign_flip",
    "square_and_add",
    "wilson",
]
