"""The METRICS table, and whether the classifier works at all where it is attacked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from robustgan.metrics.cells import (
    ALL,
    IDENTITY,
    cells,
    coded,
    cohort_of,
    named,
    ordered,
    refuse_repeats,
)
from robustgan.metrics.cohort import Cohort
from robustgan.metrics.definitions import FLIPS, estimates, of_subtype
from robustgan.metrics.ensemble import worst_case
from robustgan.metrics.estimates import FEWEST, Estimate, Reading, balanced
from robustgan.statistics import Interval, holm, icc
from robustgan.tables import METRICS, PREDICTIONS, check, empty

_FAMILY = ["model", "unit", "metric", "seed"]  # tests within one of these are corrected for their number
_MEANINGLESS = ["drop", "drop_low", "drop_high", "p", "p_durkalski"]  # where the clean classifier does not work
_WORKS = [
    "model",
    "magnification",
    "balanced_accuracy",
    "low",
    "high",
    "images",
    "groups",
    "icc",
    "works",
    "why",
]


def evaluate(predictions: pd.DataFrame) -> pd.DataFrame:
    """METRICS of every attack (and of `worst-case`), at each magnification and pooled, and per subtype.

    Folds are pooled; seeds are not. Rows may come in any order.

    Raises:
        InputError: an image stands twice in one cell.
    """
    frame = check(predictions, PREDICTIONS, "predictions")
    refuse_repeats(frame)
    if frame.empty:
        return empty(METRICS)
    frame = coded(pd.concat([frame, worst_case(frame)], ignore_index=True))
    rows = pd.DataFrame([row for part in cells(frame) for row in measure(*part)])
    rows = named(correct(withhold(rows, verdicts(frame))), frame)
    keys = [*IDENTITY, "unit", "magnification", "subtype", "metric"]
    return ordered(check(rows, METRICS, "metrics"), keys)


def works(predictions: pd.DataFrame) -> pd.DataFrame:
    """Does the clean classifier work here? One row a model and magnification, and pooled.

    It works where the interval of its balanced accuracy lies above one half and each class has at least five
    groups.

    Returns:
        Columns model, magnification, balanced_accuracy, low, high, images, groups, icc (how alike the
        verdicts on one patient's images are), works, why (the reason in words).
    """
    frame = coded(check(predictions, PREDICTIONS, "predictions"))
    return ordered(named(verdicts(frame), frame), ["model", "magnification"])


def verdicts(frame: pd.DataFrame) -> pd.DataFrame:
    """Whether each model works in each cell, from its original images."""
    clean = frame.drop_duplicates(["model", "image_id"])
    rows = [
        {"model": model, "magnification": magnification, **verdict(cohort_of(images))}
        for magnification, subtype, part in cells(clean)
        if subtype == ALL
        for model, images in part.groupby("model")
    ]
    return pd.DataFrame(rows, columns=_WORKS)


def verdict(cohort: Cohort) -> dict[str, object]:
    """Whether the classifier works on these images, with the evidence."""
    estimate = balanced(cohort, cohort.clean_right)
    value, (low, high) = estimate.clean
    why = f"balanced accuracy {value:.3f} ({low:.3f} to {high:.3f})"
    if cohort.rarer < FEWEST:
        few = "benign" if cohort.groups(~cohort.malignant) == cohort.rarer else "malignant"
        why = f"{cohort.rarer} groups have {few} images, {FEWEST} are needed; balanced accuracy {value:.3f}"
    alike = icc(cohort.sums(cohort.clean_right), cohort.sums(cohort.everything))
    found = (value, low, high, estimate.images, estimate.groups, alike, bool(low > 0.5), why)
    return dict(zip(_WORKS[2:], found, strict=True))


def measure(magnification: str, subtype: str, frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """The rows of one cell, for every attack. Attacks on the same images share a cohort."""
    cohorts: dict[bytes, Cohort] = {}
    for identity, images in frame.groupby(IDENTITY, dropna=False):
        key = b"".join(images[name].to_numpy().tobytes() for name in ("image", "clean_score", "clean_pred"))
        if key not in cohorts:
            cohorts[key] = cohort_of(images)
        right, score = (images["pred"] == images["label"]).to_numpy(dtype=bool), images["score"].to_numpy()
        still = bool((images["linf"] == 0).all())
        where = dict(zip(IDENTITY, identity, strict=True)) | {
            "magnification": magnification,
            "subtype": subtype,
        }
        whole = subtype == ALL
        found = estimates(cohorts[key], right, score) if whole else of_subtype(cohorts[key], right)
        for unit, metric, estimate in found:
            yield {
                **where,
                "unit": unit,
                "metric": metric,
                **(unmoved(estimate) if still else estimate).row(),
            }


def unmoved(estimate: Estimate) -> Estimate:
    """An estimate where no image was changed: the drop is zero by construction, and nothing was tested."""
    drop = 0.0 if np.isfinite(estimate.clean.value) else np.nan
    return estimate._replace(drop=Reading(drop, Interval(drop, drop)), p=np.nan, durkalski=np.nan)


def withhold(rows: pd.DataFrame, working: pd.DataFrame) -> pd.DataFrame:
    """Print no drop, test or success as if it meant something where the clean classifier does not work."""
    keys = ["model", "magnification"]
    joined = rows[keys].merge(working[[*keys, "works", "why"]], on=keys, how="left")
    fails = ~joined["works"].to_numpy(dtype=bool)
    rows.loc[fails, _MEANINGLESS] = np.nan
    rows.loc[fails & rows["metric"].isin(list(FLIPS)).to_numpy(), ["value", "low", "high"]] = np.nan
    said = "the clean classifier does not work here: " + joined["why"]
    both = said.where(rows["note"] == "", said + "; " + rows["note"])
    return rows.assign(note=rows["note"].where(~fails, both))


def correct(rows: pd.DataFrame) -> pd.DataFrame:
    """Holm's correction over attacks and magnifications; subtypes stand outside."""
    rows["p_holm"] = np.nan
    for _, family in rows[rows["subtype"] == ALL].groupby(_FAMILY):
        rows.loc[family.index, "p_holm"] = holm(family["p"].to_numpy(dtype=float))
    return rows
