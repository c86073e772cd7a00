"""The run's own transfer: images made against other classifiers must not fool what gradient attacks on this one miss.

Source: Papernot et al. 2017, "Practical black-box attacks against machine learning" (https://arxiv.org/abs/1602.02697);
Athalye, Carlini, Wagner 2018, section 3.1 (https://arxiv.org/abs/1802.00420).
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from robustgan.strength.attacking import less
from robustgan.strength.fooled import KEY, Probed
from robustgan.strength.rows import Row


def transferred(probed: Probed, predictions: pd.DataFrame, model: str) -> Iterator[Row]:
    """What the run made against other classifiers, at the budget that is judged; no row where it made nothing."""
    near = (predictions["eps"] - probed.eps).abs() <= 1e-9
    right = predictions["clean_pred"] == predictions["label"]
    here = predictions[(predictions["model"] == model) & (predictions["norm"] == probed.norm) & near & right]
    moved, own = here[here["source"] != model], here[here["source"] == model]
    if moved.empty:
        return
    climbing = own[own["attack"].isin(own.loc[own["backwards"] > 0, "attack"])]
    steep = climbing.assign(
        pred=climbing["pred"].where(~climbing["solver"].str.startswith("square"), climbing["label"])
    )
    names = ("images made against other classifiers", "the run's gradient attacks on this one")
    expected = "images made against other classifiers fool none that the run's gradient attacks miss"
    yield less("transfer of the run", fooled(moved), fooled(steep), names, expected, "its gradients are masked")


def fooled(rows: pd.DataFrame) -> pd.Series:
    """One truth value an image: whether any of the attacks turned it."""
    return (rows["pred"] != rows["label"]).groupby([rows[name] for name in KEY]).any()
