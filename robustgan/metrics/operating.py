"""From which P(malignant) is an image called malignant? Chosen from validation scores; PREDICTIONS at another point."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from robustgan.errors import InputError
from robustgan.shapes import Float, Int
from robustgan.statistics import TINY
from robustgan.tables import PREDICTIONS, check


def choose(
    score: Float[np.ndarray, " images"],
    label: Int[np.ndarray, " images"],
    rule: Literal["youden", "sensitivity"],
    sensitivity: float = 0.95,
) -> float:
    """Threshold inside (0, 1): images that score at least this are called malignant.

    Every threshold between two neighbouring scores gives the same verdicts. Of all that serve the rule equally
    well, the centre of the widest stretch is taken, so that a new image near its edge does not decide.

    Args:
        score: P(malignant) of each image.
        label: 0 benign, 1 malignant.
        rule: `youden`: most sensitivity + specificity; `sensitivity`: most specificity that still has this
            sensitivity, and of that the most sensitive.
        sensitivity: required by the rule `sensitivity`, a share of the malignant images.

    Raises:
        InputError: a class is missing, a score is no probability, or the sensitivity cannot be had.

    Source: Youden, Cancer 3 (1950) 32-35.
    """
    if not {0, 1} <= set(label.tolist()):
        raise InputError(
            "An operating point needs malignant and benign validation images; found labels "
            f"{sorted(set(label.tolist()))}. Give validation patients of both classes."
        )
    if not ((score >= 0) & (score <= 1)).all():
        raise InputError("An operating point needs scores in [0, 1]; some are not. Look at what the model returns.")
    cuts = np.unique(np.concatenate([[0.0], score.astype(float), [1.0]]))  # verdicts change nowhere in between
    found, cleared = (np.searchsorted(np.sort(score[label == kind]), cuts[:-1], side="right") for kind in (1, 0))
    malignant, benign = int((label == 1).sum()), int((label == 0).sum())
    found = malignant - found
    if rule == "youden":
        worth = found * benign + cleared * malignant  # sensitivity + specificity, in whole numbers
    else:
        worth = np.where(found >= sensitivity * malignant - TINY, cleared * (malignant + 1) + found, -1)
        if worth.max() < 0:
            raise InputError(
                f"No threshold above 0 has a sensitivity of {sensitivity:g} on the validation images: "
                f"{malignant - found[0]} of {malignant} malignant ones score exactly 0. Ask for less, or use `youden`."
            )
    return centre(cuts, worth == worth.max())


def centre(cuts: Float[np.ndarray, " cuts"], best: np.ndarray) -> float:
    """Middle of the widest stretch of neighbouring intervals between `cuts` that are all best; the lowest of equals."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], best, [False]])))
    low, high = cuts[edges[::2]], cuts[edges[1::2]]
    widest = int(np.argmax(high - low))
    return float((low[widest] + high[widest]) / 2)


def at(predictions: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """The same PREDICTIONS with the verdicts of another threshold, clean and attacked.

    The attacks stay those that were made against the threshold of the run.

    Raises:
        InputError: the threshold is not inside (0, 1).
    """
    if not 0 < threshold < 1:
        raise InputError(f"A threshold is a probability inside (0, 1); found {threshold:g}.")
    frame = check(predictions, PREDICTIONS, "predictions")
    verdicts = {f"{side}pred": (frame[f"{side}score"] >= threshold).astype(int) for side in ("clean_", "")}
    return check(frame.assign(**verdicts), PREDICTIONS, "predictions")
