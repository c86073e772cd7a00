"""Transfer: images that were made to fool one classifier are shown to another one.

Source: Papernot, McDaniel, Goodfellow 2016, "Transferability in Machine Learning" (https://arxiv.org/abs/1605.07277).
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import torch

from robustgan import evaluation
from robustgan.freezing import frozen
from robustgan.interfaces import Attack, Samples
from robustgan.journal import Tick
from robustgan.memory import halved
from robustgan.tensors import Network


class Pair(NamedTuple):
    """Two classifiers: the images are made against `source` and judged by `target`."""

    source: Network
    target: Network


def judge(
    attack: Attack, pair: Pair, network: Network, samples: Samples, seed: int, batch: int, tick: Tick
) -> pd.DataFrame:
    """Attack every image on the source, and let the target classify what would be written.

    The attack gets the same seeds as when it is judged on the source, so these are the same images.

    Returns:
        One row an image, in the order of `samples` (see `evaluation.judge`); the scores are the target's.

    Raises:
        RunError: see `evaluation.judge`.
    """
    rows, written = evaluation.judge(attack, pair.source, network, samples, seed, batch, tick)
    found: list[pd.DataFrame] = []
    with frozen(pair.target):

        def one(part: slice) -> pd.DataFrame:
            some = Samples(samples.images[part], samples.labels[part], samples.rows.iloc[part])
            return evaluation.rows_of(attack, pair.target, some, written[part], effort_of(rows.iloc[part]))

        found += halved(len(samples), batch, one, attack.label)
    return pd.concat(found, ignore_index=True)


def effort_of(rows: pd.DataFrame) -> evaluation.Effort:
    """What making these images cost: it is the same, whoever judges them."""
    forwards, backwards = (torch.tensor(rows[name].to_numpy()) for name in ("queries", "backwards"))
    return evaluation.Effort(forwards, backwards, rows["solver"].tolist())
