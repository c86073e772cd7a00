"""How far people agree beyond chance, with intervals clustered by patient.

Both kappas are written for weighted images, so that one expression gives the value and all of its resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from robustgan.shapes import Bool, Float, Int
from robustgan.statistics import NO_INTERVAL, Interval, expanded_percentile, korn_graubard, resample

TINY = 1e-9  # below this, chance alone would agree always
Answers = Int[np.ndarray, " images"]  # index of the answer
Weights = Float[np.ndarray, "draws images"]


class Estimate(NamedTuple):
    """A number with its 95 % interval and the answers or images that it comes from; NaN where it is not defined."""

    value: float
    ends: Interval
    n: int


def share(hit: Bool[np.ndarray, " answers"], counted: Bool[np.ndarray, " answers"], group: Sequence[str]) -> Estimate:
    """Share of the counted answers that are hits; answers of one group count as alike as they are.

    Source: `statistics.korn_graubard`.
    """
    n = int(counted.sum())
    if not n:
        return Estimate(float("nan"), NO_INTERVAL, 0)
    _, index = np.unique(np.asarray(group)[counted], return_inverse=True)
    right, sizes = np.bincount(index, hit[counted]).astype(float), np.bincount(index).astype(float)
    return Estimate(float(right.sum()) / n, korn_graubard(right, sizes), n)


def cohen(first: Answers, second: Answers, answers: int, weights: Weights) -> Float[np.ndarray, " draws"]:
    """Cohen's kappa of two raters of the same images; NaN where chance alone would agree always.

    Source: Cohen, Educational and Psychological Measurement 20 (1960) 37-46.
    """
    both = np.eye(answers * answers)[first * answers + second]
    table = (weights @ both).reshape(-1, answers, answers) / weights.sum(1)[:, None, None]
    seen = np.trace(table, axis1=1, axis2=2)
    return _beyond(seen, (table.sum(1) * table.sum(2)).sum(1))


def fleiss(raters: Sequence[Answers], answers: int, weights: Weights) -> Float[np.ndarray, " draws"]:
    """Fleiss' kappa of three or more raters of the same images; NaN where chance alone would agree always.

    Source: Fleiss, Psychological Bulletin 76 (1971) 378-382.
    """
    counts = np.sum([np.eye(answers)[one] for one in raters], axis=0)
    many, total = len(raters), weights.sum(1)
    pairs = ((counts**2).sum(1) - many) / (many * (many - 1))
    shares = weights @ counts / (many * total)[:, None]
    return _beyond(weights @ pairs / total, (shares**2).sum(1))


def kappa(raters: Sequence[Answers], answers: int, group: Sequence[str]) -> Estimate:
    """Cohen's kappa of two raters, Fleiss' of more, with a bootstrap of the groups."""
    if not len(group):
        return Estimate(float("nan"), NO_INTERVAL, 0)
    names, index = np.unique(np.asarray(group), return_inverse=True)
    drawn = resample(names.tolist(), np.zeros(len(names), dtype=np.int64))[:, index]
    weights = np.concatenate([np.ones((1, len(group))), drawn])
    values = cohen(raters[0], raters[1], answers, weights) if len(raters) == 2 else fleiss(raters, answers, weights)
    value = float(values[0])
    ends = expanded_percentile(values[1:], len(names)) if np.isfinite(value) else NO_INTERVAL
    return Estimate(value, ends, len(group))


def _beyond(seen: Float[np.ndarray, " draws"], chance: Float[np.ndarray, " draws"]) -> Float[np.ndarray, " draws"]:
    beyond: Float[np.ndarray, " draws"] = (seen - chance) / np.where(chance < 1 - TINY, 1 - chance, np.nan)
    return beyond
