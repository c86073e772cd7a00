"""What the figures of the evidence show: success against budget, steps, restarts and queries, from PROBES alone."""

from __future__ import annotations

import math

import pandas as pd

from robustgan.statistics import clopper_pearson
from robustgan.strength.fooled import Probed

CURVES = {
    "budget": "budget (eps, on the [0, 1] scale)",
    "iterations": "gradient steps",
    "restarts": "restarts",
    "black-box": "queries",
}


def curves(probes: pd.DataFrame) -> pd.DataFrame:
    """One row a classifier, curve and point, in that order; each curve from small to large.

    Returns:
        `model`, `curve`, `axis` (what `x` is), `x`, `fooled` and `images` (that were right), `success` (their share)
        with the ends `low` and `high` of its exact 95 % interval, as if images were independent.
    """
    rows = [
        {"model": model, "curve": curve, "axis": axis, **point}
        for model, some in probes.groupby("model", sort=False)
        for curve, axis in CURVES.items()
        for point in points(Probed(some), curve)
    ]
    return pd.DataFrame(rows, columns=["model", "curve", "axis", "x", "fooled", "images", "success", "low", "high"])


def points(probed: Probed, curve: str) -> list[dict[str, float]]:
    """The points of one curve of one classifier."""
    if curve == "black-box":
        return asked(probed)
    return [
        point(x, int(fooled.sum()), len(fooled)) for x in probed.settings(curve) for fooled in [probed.at(curve, x)]
    ]


def asked(probed: Probed) -> list[dict[str, float]]:
    """Success after so many queries: the search stops at the query that fools, so one run holds the whole curve."""
    rows = probed.rows[probed.rows["probe"] == "black-box"]
    if not len(rows):
        return []
    most = int(rows["setting"].max())
    steps = sorted({most >> halvings for halvings in range(8)} - {0})
    return [point(x, int((rows["fooled"] & (rows["queries"] <= x)).sum()), len(rows)) for x in steps]


def point(x: float, fooled: int, images: int) -> dict[str, float]:
    """A share with its exact interval."""
    low, high = clopper_pearson(fooled, images) if images else (math.nan, math.nan)
    return {"x": x, "fooled": fooled, "images": images, "success": fooled / images, "low": low, "high": high}
