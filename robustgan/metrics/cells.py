"""Which cells the METRICS table has, which rows belong to each, and the order in which they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from robustgan.errors import InputError
from robustgan.metrics.cohort import Cohort
from robustgan.metrics.definitions import METRIC_NAMES

POOLED, ALL = "pooled", "all"
IDENTITY = ["model", "source", "attack", "norm", "eps", "seed"]


def refuse_repeats(frame: pd.DataFrame) -> None:
    """Refuse an image that stands twice under one model, attack and seed: it would count twice."""
    twice = frame[frame.duplicated([*IDENTITY, "image_id"], keep=False)]
    if len(twice):
        row = twice.iloc[0]
        folds = twice.loc[twice["image_id"] == row["image_id"], "fold"].unique()
        raise InputError(
            f"predictions: image {row['image_id'][:12]} stands twice under {row['attack']} on {row['model']} "
            f"(folds {', '.join(map(str, sorted(folds)))}). Each image may be tested once: pool folds that "
            "partition the patients, or give one fold."
        )


def coded(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in one order, whatever order they came in, with numbers that stand for images."""
    frame = frame.sort_values([*IDENTITY, "image_id"], kind="stable", ignore_index=True)
    return frame.assign(image=pd.factorize(frame["image_id"])[0])


def cells(frame: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Magnification, subtype and their rows. A single magnification is `pooled`, not done twice."""
    yield POOLED, ALL, frame
    if frame["magnification"].nunique() > 1:
        for magnification, part in frame.groupby("magnification"):
            yield magnified(magnification), ALL, part
    for subtype, part in frame[frame["subtype"] != ""].groupby("subtype"):
        yield POOLED, str(subtype), part


def magnified(magnification: object) -> str:
    """What tables call a magnification factor."""
    return f"{magnification}X" if magnification else "unknown"


def cohort_of(images: pd.DataFrame) -> Cohort:
    """The images of one cell under one attack."""
    group, names = pd.factorize(images["group"], sort=True)
    label, clean = images["label"].to_numpy(), images["clean_pred"].to_numpy()
    return Cohort(tuple(map(str, names)), group, label == 1, images["clean_score"].to_numpy(), clean == label)


def named(rows: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Where all images have one known magnification, list the pooled rows under its name as well."""
    present = frame["magnification"].unique()
    if len(present) != 1 or not present[0]:
        return rows
    whole = rows[rows["subtype"] == ALL] if "subtype" in rows else rows
    return pd.concat([whole.assign(magnification=magnified(present[0])), rows], ignore_index=True)


def ordered(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Rows in the order in which people read."""
    return rows.sort_values(keys, key=sort_key, kind="stable", ignore_index=True)


def sort_key(column: pd.Series[Any]) -> pd.Series[Any]:
    """What a column sorts by: magnifications by size, `pooled` last, `all` first, metrics as listed."""
    if column.name == "magnification":
        return column.map(lambda name: float(name[:-1]) if name[-1] == "X" else {"unknown": 0.0}.get(name, np.inf))
    if column.name == "subtype":
        return column.where(column != ALL, "")
    if column.name == "metric":
        return column.map(list(METRIC_NAMES).index)
    return column
