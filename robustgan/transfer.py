"""Transfer: images that were made to fool one classifier are shown to another one.

Source: Papernot, McDaniel, Goodfellow 2016, "Transferability in Machine Learning" (https://arxiv.org/abs/1605.07277).
"""

from __future__ import annotations

import pandas as pd
import torch

from robustgan import evaluation
from robustgan.batches import halved
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.tensors import Network


def judge(duel: evaluation.Duel, target: Network, samples: Samples, tick: Tick) -> pd.DataFrame:
    """Attack every image as in the duel, and let the target, held frozen, classify what would be written.

    The attack gets the same seeds as when it is judged on the source, so these are the same images.

    Returns:
        One row an image, in the order of `samples` (see `evaluation.fought`); the scores are the target's.

    Raises:
        RunError: see `evaluation.fought`.
    """
    rows, written = evaluation.fought(duel, samples, tick)

    def one(part: slice) -> pd.DataFrame:
        some = Samples(samples.images[part], samples.labels[part], samples.rows.iloc[part])
        return evaluation.rows_of(duel.attack, target, some, written[part], effort_of(rows.iloc[part]))

    return pd.concat(list(halved(len(samples), duel.room, one, duel.attack.label)), ignore_index=True)


def effort_of(rows: pd.DataFrame) -> evaluation.Effort:
    """What making these images cost: it is the same, whoever judges them."""
    forwards, backwards = (torch.tensor(rows[name].to_numpy()) for name in ("queries", "backwards"))
    return evaluation.Effort(forwards, backwards, rows["solver"].tolist())
