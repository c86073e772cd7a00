"""What would be accepted, and how much of it would fool, had the oracles been asked for more or for less certainty.

A fooling rate that appears only at one threshold was made by the selection, not by the attack.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from robustgan.metrics.generated import SURE
from robustgan.report import cases as lookup
from robustgan.report.document import Figure
from robustgan.report.figures import selection
from robustgan.report.figures.selection import Curve
from robustgan.report.folder import Folder
from robustgan.report.pictures import keep
from robustgan.report.words import percent
from robustgan.statistics import NO_INTERVAL, wilson

THRESHOLDS = tuple(i / 100 for i in range(50, 100))
READ = (0.5, SURE, 0.99)  # thresholds at which the words for those who cannot see the figure give the rates
MODES = ("natural", "walked", "searched", "real")


def figure(folder: Folder, identity: dict[str, Any]) -> Figure:
    """Fooling rate and yield of one generator's images on one classifier, beside real images."""
    rows = folder.generated
    for name, value in identity.items():
        rows = rows[rows[name] == value]
    curves = [curve_of(part, mode) for mode in MODES if len(part := rows[rows["mode"] == mode])]
    name = lookup.shown(identity["attack"])
    seeded = f" seed {identity['seed']}" if folder.generated["seed"].nunique() > 1 else ""
    drawing = selection.draw(curves, THRESHOLDS, SURE, f"{name}{seeded}: selection by the oracles")
    alt = f"Fooling rate (yield) in % at oracle thresholds. {'; '.join(_words(curve) for curve in curves)}."
    caption = (
        f"Selection curve of {name}{seeded} against {identity['model']}: above, the share of accepted images that the "
        "classifier gets wrong; below, the share that is accepted. Bands: 95 % (Wilson), none for real images, which "
        f"come in patients. Dotted: {SURE:g}, the threshold of every table. A sound result does not hang on it."
    )
    picture = keep(folder, drawing, f"selection-{identity['attack']}{seeded}", identity["model"], alt)
    return Figure((picture,), caption)


def curve_of(rows: pd.DataFrame, mode: str) -> Curve:
    """One mode's images at every threshold."""
    sure = rows["oracle_low"].to_numpy()
    wrong = (rows["pred"] != rows["label"]).to_numpy()
    accepted = np.array([(sure >= t).sum() for t in THRESHOLDS], dtype=float)
    fooled = np.array([((sure >= t) & wrong).sum() for t in THRESHOLDS], dtype=float)
    rate = np.divide(fooled, accepted, out=np.full(len(accepted), np.nan), where=accepted > 0)
    real = mode == "real"
    ends = [NO_INTERVAL if real else wilson(f, n) for f, n in zip(fooled, accepted, strict=True)]
    low, high = ([end[i] for end in ends] for i in (0, 1))
    return Curve(mode, rate.tolist(), low, high, (accepted / len(rows)).tolist(), real)


def _words(curve: Curve) -> str:
    places = [(t, THRESHOLDS.index(t)) for t in READ]
    return f"{curve.name}: " + ", ".join(
        f"{t:g} {percent(curve.rate[i])} ({percent(curve.kept[i])})" for t, i in places
    )
