"""The worst of several attacks, image by image: an attacker may try them all and send what works."""

from __future__ import annotations

import pandas as pd

from robustgan.tables import PREDICTIONS, check, empty

WORST = "worst-case"  # name of the ensemble in the `attack` column
CLEAN = "clean"  # name of the attack that changes nothing
CONTROLS = (CLEAN, "noise", WORST)  # not attacks that an attacker would choose between

_RIVALS = ["model", "source", "norm", "seed"]  # attacks that differ in nothing else are alternatives


def worst_case(predictions: pd.DataFrame) -> pd.DataFrame:
    """PREDICTIONS rows of the attack `worst-case`: for each image, the attack that fools best.

    For each norm this is done at the largest eps that at least two attacks share; where there is none, there
    are no rows. Only images that every one of these attacks was run on are compared. `queries` adds up over
    the attacks.

    Source: mean over images of the minimum over attacks, Carlini et al., arXiv:1902.06705 (2019).
    """
    rows = check(predictions, PREDICTIONS, "predictions")
    rows = rows[~rows["attack"].isin(CONTROLS) & rows["eps"].notna()]
    found = [worst_of(part) for _, part in rows.groupby(_RIVALS)]
    return pd.concat([empty(PREDICTIONS), *filter(len, found)], ignore_index=True)


def worst_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The same for attacks that differ in name and eps alone."""
    rivals = rows.groupby("eps")["attack"].nunique()
    shared = rivals[rivals >= 2]
    if shared.empty:
        return rows.iloc[:0]
    rows = rows[rows["eps"] == shared.index.max()]
    images = rows.groupby("image_id")
    rows = rows.assign(
        tried=images["attack"].transform("nunique"),
        queries=images["queries"].transform("sum"),
        backwards=images["backwards"].transform("sum", min_count=1),
        held=rows["pred"] == rows["label"],
        truth=rows["score"].where(rows["label"] == 1, 1 - rows["score"]),
    )
    complete = rows[rows["tried"] == shared[shared.index.max()]]
    worst = complete.sort_values(["image_id", "held", "truth", "attack"]).drop_duplicates("image_id")
    return check(worst.assign(attack=WORST, solver=worst["attack"])[list(PREDICTIONS)], PREDICTIONS, WORST)
