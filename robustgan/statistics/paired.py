"""Tests of two verdicts on the same images: is one right more often than the other?"""

from __future__ import annotations

import numpy as np
import scipy

from robustgan.shapes import Float, Int


def sign_flip(differences: Int[np.ndarray, " groups"]) -> float:
    """Two-sided p that the groups' differences are symmetric around zero; exact for any number of groups.

    Under that hypothesis each group's difference is as likely to have either sign. The distribution of the
    sum over all 2^groups sign patterns is made by convolution (differences are whole numbers of images), not
    by drawing. With one difference of -1, 0 or 1 a patient this is McNemar's exact test.

    Source: Fisher, The Design of Experiments (1935), section 21.
    """
    steps = np.abs(differences[differences != 0])
    chance = np.ones(1)  # chance[s]: that the groups with a positive sign add up to s
    for step in np.sort(steps):
        longer = np.zeros(len(chance) + int(step))
        longer[: len(chance)] += chance / 2
        longer[int(step) :] += chance / 2
        chance = longer
    reached = (int(steps.sum()) + abs(int(differences.sum()))) // 2
    return min(1.0, 2 * float(chance[reached:].sum()))


def durkalski(differences: Int[np.ndarray, " groups"], sizes: Float[np.ndarray, " groups"]) -> float:
    """Two-sided p that the groups' shares differ by zero on average: McNemar's test for clustered images.

    Each group counts by the share of its images that changed one way less those that changed the other way.
    The chi-square limit needs many groups. Where nothing differs, it is 1. It stands beside `sign_flip`, which is
    exact for few groups.

    Args:
        differences: images of each group that changed one way, less those that changed the other way.
        sizes: images of each group, changed or not.

    Source: Durkalski, Palesch, Lipsitz and Rust, Statistics in Medicine 22 (2003) 2417-2428, section 2.
    """
    shares = differences / sizes
    spread = float((shares**2).sum())
    return float(scipy.special.chdtrc(1, float(shares.sum()) ** 2 / spread)) if spread > 0 else 1.0


def mcnemar(lost: int, won: int) -> float:
    """Two-sided exact p that as many verdicts are lost as won. One verdict a patient, never one an image.

    Source: McNemar, Psychometrika 12 (1947) 153-157, with the exact binomial distribution.
    """
    return min(1.0, 2 * float(scipy.special.bdtr(min(lost, won), lost + won, 0.5)))
