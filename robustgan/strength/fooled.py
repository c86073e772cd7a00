"""Which images a probe fooled: one truth value an image that the classifier gets right, over all folds."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

KEY = ["fold", "image_id"]

# Gradient attacks that a classifier has to stand up to; what is compared with them is not among them.
WHITE = ("iterations", "restarts")


class Probed:
    """The probes of one classifier."""

    def __init__(self, rows: pd.DataFrame) -> None:
        right = rows[rows["clean_pred"] == rows["label"]]
        self.rows = right.assign(fooled=right["pred"] != right["label"])
        judged = self.rows[~self.rows["probe"].isin(["budget"])]
        self.eps = float(judged["eps"].iloc[0]) if len(judged) else float("nan")
        self.norm = str(judged["norm"].iloc[0]) if len(judged) else ""

    def by(self, *probes: str, where: Callable[[pd.DataFrame], pd.Series] | None = None) -> pd.Series:
        """Images that any of these probes fooled, at whatever setting `where` leaves; empty where none was run."""
        rows = self.rows[self.rows["probe"].isin(probes)]
        if where is not None:
            rows = rows[where(rows)]
        return rows.groupby(KEY)["fooled"].any()

    def settings(self, probe: str) -> list[float]:
        """The settings of a probe, from small to large."""
        return sorted(self.rows.loc[self.rows["probe"] == probe, "setting"].unique().tolist())

    def at(self, probe: str, setting: float) -> pd.Series:
        """Images that a probe fooled at one setting."""
        return self.by(probe, where=lambda rows: rows["setting"] == setting)

    def worst(self) -> pd.Series:
        """Images that any probe within the budget fooled."""
        within = self.rows[(self.rows["eps"] <= self.eps * (1 + 1e-9))]
        return within.groupby(KEY)["fooled"].any()


def only(first: pd.Series, second: pd.Series) -> tuple[int, int]:
    """How many images the first fooled and the second did not, and of how many that both saw."""
    first, second = first.align(second, join="inner")
    return int((first & ~second).sum()), len(first)
