"""How sure an AUROC would be if images were independent. A reference to compare with, never a headline.

It knows nothing of patients: the cluster bootstrap of `metrics` does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from robustgan.shapes import Bool, Float


class Ranking(NamedTuple):
    """AUROC of each score, and how the AUROCs vary together."""

    auroc: Float[np.ndarray, " scores"]
    covariance: Float[np.ndarray, "scores scores"]


def delong(scores: Float[np.ndarray, "scores images"], malignant: Bool[np.ndarray, " images"]) -> Ranking:
    """AUROCs of several scores of the same images and their covariance. It assumes independent images.

    Needs two images of each class for a covariance; it is NaN otherwise.

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837-845, equations 4 to 7; from midranks as in
        Sun and Xu, IEEE Signal Processing Letters 21 (2014) 1389-1393.
    """
    m, n = int(malignant.sum()), int((~malignant).sum())
    if min(m, n) < 2:
        return Ranking(*(np.full(shape, np.nan) for shape in ((len(scores),), (len(scores), len(scores)))))
    up, down = scores[:, malignant], scores[:, ~malignant]
    rankdata = scipy.stats.rankdata
    ranks = rankdata(scores, axis=1)
    won = (ranks[:, malignant] - rankdata(up, axis=1)) / n  # of each malignant image: benign ones below it
    lost = 1 - (ranks[:, ~malignant] - rankdata(down, axis=1)) / m  # of each benign one: malignant ones above it
    return Ranking(won.mean(1), np.atleast_2d(np.cov(won)) / m + np.atleast_2d(np.cov(lost)) / n)
