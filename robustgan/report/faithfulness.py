"""Do labels hold? How often the oracles see, in unfiltered generated images, what was asked for (GAN-test).

A mean over both classes hides a class that is not made at all, so the worse of the two decides.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from robustgan.metrics.generated import FAITHFUL
from robustgan.report.cases import POOLED

CLASSES = ("benign", "malignant")


class Seen(NamedTuple):
    """In which share of the images that were asked to be of a class the oracles see it; NaN where none was judged."""

    label: str
    share: float

    @property
    def holds(self) -> bool:
        """Whether rates of these images may be read; what nobody judged does not hold."""
        return self.share >= FAITHFUL


def seen(rows: pd.DataFrame, label: str, magnification: str = POOLED) -> Seen:
    """Of one class in the FOOLING rows of one generator; `both`: the worse of the two."""
    if label == "both":
        return worse(rows, magnification)
    found = rows[
        (rows["metric"] == "oracle_accuracy")
        & (rows["mode"] == "natural")
        & (rows["magnification"] == magnification)
        & (rows["label"] == label)
    ]
    return Seen(label, math.nan if found.empty else float(found["value"].iloc[0]))


def worse(rows: pd.DataFrame, magnification: str = POOLED) -> Seen:
    """The class that the oracles see less often; one that was not judged comes before any other."""
    return min(
        (seen(rows, label, magnification) for label in CLASSES),
        key=lambda one: -math.inf if math.isnan(one.share) else one.share,
    )
