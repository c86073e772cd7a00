"""Would patients be better off with the classifier, at each weight of a missed cancer against a false alarm?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from robustgan.metrics.benefit import benefit_of_all, net_benefit
from robustgan.report import cases as lookup
from robustgan.report.document import Figure, Picture
from robustgan.report.figures import decision
from robustgan.report.figures.decision import Curves
from robustgan.report.folder import Folder
from robustgan.report.pictures import keep
from robustgan.report.sections import headline
from robustgan.report.words import sized

THRESHOLDS = np.arange(1, 100) / 100
READ = (0.1, 0.25, 0.5, 0.75)  # thresholds at which the words for those who cannot see the figure give the numbers
CAPTION = (
    "Decision curves (Vickers, Elkin 2006): true positives per 100 images less false ones, weighed by the threshold: "
    "at 0.1 one missed cancer counts as much as nine false alarms. Below the line of calling nothing, or everything, "
    "malignant the classifier does harm. Dotted: the run's threshold, which the attack was made against. They hold for "
    "the share of malignant images in this test set, which is not that of a clinic, and have no intervals."
)


def figures(folder: Folder) -> list[Figure]:
    """One panel a classifier, at the headline's attack; nothing where nothing was attacked."""
    pictures = tuple(picture for model in folder.judged for picture in _drawn(folder, model))
    return [Figure(pictures, CAPTION)] if pictures else []


def _drawn(folder: Folder, model: str) -> Iterator[Picture]:
    case = headline.strongest(folder, model)
    if case is None:
        return
    rows = lookup.of(folder.predictions, case)
    malignant = (rows["label"] == 1).to_numpy()
    if malignant.all() or not malignant.any():
        return
    before, after = (
        100 * net_benefit(rows[column].to_numpy(dtype=float), malignant, THRESHOLDS)
        for column in ("clean_score", "score")
    )
    share = float(malignant.mean())
    curves = Curves(THRESHOLDS, before, after, 100 * benefit_of_all(share, THRESHOLDS), 100 * share)
    title = f"{model}: clean and {case.title}"
    places = [(t, round(100 * t) - 1) for t in READ]
    alt = "; ".join(f"at {t:g} clean {before[i]:.1f}, attacked {after[i]:.1f}" for t, i in places)
    of = sized(len(rows), rows["group"].nunique())
    drawing = decision.draw(curves, folder.threshold(model), title)
    yield keep(folder, drawing, "decision", model, f"Net benefit per 100 images of {title}, on {of}: {alt}.")
