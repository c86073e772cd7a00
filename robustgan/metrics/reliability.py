"""The CALIBRATION table: the points of reliability curves, clean and attacked."""

from __future__ import annotations

import pandas as pd

from robustgan.metrics.cells import IDENTITY, coded, cohort_of, refuse_repeats
from robustgan.metrics.cohort import Cohort, Numbers
from robustgan.metrics.estimates import FEWEST
from robustgan.metrics.probabilities import binned
from robustgan.statistics import NO_INTERVAL, korn_graubard
from robustgan.tables import CALIBRATION, PREDICTIONS, check, empty


def calibration(predictions: pd.DataFrame) -> pd.DataFrame:
    """CALIBRATION of every attack, before and after it: the points of a reliability curve, over all magnifications."""
    frame = check(predictions, PREDICTIONS, "predictions")
    refuse_repeats(frame)
    rows = [
        {**dict(zip(IDENTITY, identity, strict=True)), "which": which, **row}
        for identity, images in coded(frame).groupby(IDENTITY, dropna=False)
        for which, column in (("clean", "clean_score"), ("attacked", "score"))
        for row in curve(cohort_of(images), images[column].to_numpy())
    ]
    return check(pd.DataFrame(rows), CALIBRATION, "calibration") if rows else empty(CALIBRATION)


def curve(cohort: Cohort, score: Numbers) -> list[dict[str, object]]:
    """One row a bin, from low scores to high ones."""
    index, rows = binned(score), []
    for number in range(int(index.max()) + 1):
        counted = index == number
        sizes = cohort.sums(counted)
        right, sizes = cohort.sums(counted & cohort.malignant)[sizes > 0], sizes[sizes > 0]
        low, high = korn_graubard(right, sizes) if len(sizes) >= FEWEST else NO_INTERVAL
        found = (number + 1, int(sizes.sum()), len(sizes), float(score[counted].mean()), right.sum() / sizes.sum())
        rows.append(dict(zip(("bin", "images", "groups", "score", "share"), found, strict=True), low=low, high=high))
    return rows
