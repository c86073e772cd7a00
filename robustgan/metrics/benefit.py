"""Is it worth following the classifier? Net benefit: true positives less false ones, weighed by what each is worth.

Source: Vickers and Elkin, "Decision curve analysis: a novel method for evaluating prediction models", Medical
Decision Making 26 (2006) 565-574.
"""

from __future__ import annotations

import numpy as np

from robustgan.metrics.cohort import Mask, Numbers
from robustgan.shapes import Array, Float

Thresholds = Float[Array, " thresholds"]  # above 0 and below 1


def net_benefit(score: Numbers, malignant: Mask, thresholds: Thresholds) -> Thresholds:
    """Net benefit of calling malignant what scores at least each threshold, in true positives an image.

    A threshold p says that one missed cancer weighs as much as (1 - p) / p false alarms.

    Args:
        score: P(malignant) of each image.
        malignant: what each image is.
        thresholds: of P(malignant).
    """
    order = np.argsort(score, kind="stable")
    below = np.searchsorted(score[order], thresholds, side="left")  # images that are not called malignant
    cancers = np.concatenate([[0], np.cumsum(malignant[order])])
    true = cancers[-1] - cancers[below]
    false = len(score) - below - true
    found: Thresholds = (true - false * odds(thresholds)) / len(score)
    return found


def benefit_of_all(share: float, thresholds: Thresholds) -> Thresholds:
    """Net benefit of calling every image malignant, where this share of them is."""
    found: Thresholds = share - (1 - share) * odds(thresholds)
    return found


def odds(thresholds: Thresholds) -> Thresholds:
    """What a false alarm weighs, in missed cancers."""
    found: Thresholds = thresholds / (1 - thresholds)
    return found
