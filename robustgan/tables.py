"""The tables: columns, dtypes, units; check, read, write. Every number in a report derives from them.

Fractions in tables, percentage points in reports. A metric that is not defined is NaN beside its n, never 0 and never
dropped.

The tables are a stable interface: columns are added, never renamed or removed, within one VERSION of the first number
below. A folder that an older robustgan wrote lacks the columns that came `since`; they are read as unknown.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from robustgan.errors import InputError, nearest

VERSION = 2  # of the columns; what came later than 1 says so


class Column(NamedTuple):
    """One column: its dtype, what it holds, and the version that it came with."""

    dtype: str
    meaning: str
    since: int = 1


Table = dict[str, Column]

MANIFEST: Table = {
    "image_id": Column("string", "sha256 of the file's bytes, hexadecimal"),
    "path": Column("string", "file, relative to the data set's root, with forward slashes"),
    "group": Column("string", "patient: the specimen accession; the unit of splits and of statistics"),
    "slide": Column("string", "slide of the specimen; the group where slides are unknown"),
    "subtype": Column("string", "histological subtype; empty where unknown"),
    "magnification": Column("int64", "magnification factor (x); 0 where unknown"),
    "label": Column("int64", "0 benign, 1 malignant"),
    "width": Column("int64", "pixels, as in the file"),
    "height": Column("int64", "pixels, as in the file"),
    "given_split": Column("string", "train, val or test where the data set itself says so; else empty"),
    "finding": Column("string", "empty, or why this image is set apart (split `excluded`)"),
}

FOLDS: Table = {
    **MANIFEST,
    "fold": Column("int64", "fold of the split protocol, from 1"),
    "split": Column("string", "train, val, test or excluded"),
}

_IDENTITY: Table = {
    "model": Column("string", "classifier that is judged"),
    "source": Column("string", "classifier that was attacked; differs from `model` for transfer"),
    "attack": Column("string", "name of the attack"),
    "norm": Column("string", "linf, l2 or unrestricted"),
    "eps": Column("float64", "budget on the [0, 1] scale; NaN where there is none"),
    "seed": Column("int64", "seed of the attack"),
}

PREDICTIONS: Table = {
    **_IDENTITY,
    "fold": Column("int64", "fold in which this image's patient is a test patient"),
    "image_id": MANIFEST["image_id"],
    "group": MANIFEST["group"],
    "slide": MANIFEST["slide"],
    "subtype": MANIFEST["subtype"],
    "magnification": MANIFEST["magnification"],
    "label": MANIFEST["label"],
    "clean_score": Column("float64", "P(malignant) of the original image"),
    "score": Column("float64", "P(malignant) of the attacked image, after 8-bit quantisation"),
    "clean_pred": Column("int64", "label given to the original image: clean_score >= threshold"),
    "pred": Column("int64", "label given to the attacked image: score >= threshold"),
    "linf": Column("float64", "largest change of a channel, on the [0, 1] scale, measured on the 8-bit image"),
    "l2": Column("float64", "Euclidean length of the change, on the [0, 1] scale, measured on the 8-bit image"),
    "queries": Column("float64", "forward passes that the attack used on this image"),
    "backwards": Column("float64", "gradients that the attack took on this image; NaN where not counted", since=2),
    "solver": Column("string", "part of the attack that fooled this image, where it has several; else empty", since=2),
}

GENERATED: Table = {
    **_IDENTITY,
    "fold": Column("int64", "fold whose training patients the generator saw"),
    "mode": Column(
        "string",
        "real (held-out images: the floor), natural (no search), searched (in latent space) or walked (random steps as "
        "long as the search's: its control)",
    ),
    "image_id": Column("string", "sha256 of the 8-bit pixels (generated) or of the file (real)"),
    "group": Column("string", "patient (real); empty where generated: those are independent draws"),
    "magnification": Column("int64", "magnification factor that was asked for (x); 0 where unknown"),
    "label": Column("int64", "class that was asked for (generated) or is known (real)"),
    "score": Column("float64", "victim's P(malignant)"),
    "pred": Column("int64", "victim's label"),
    "oracle_low": Column("float64", "lowest probability that any judging oracle gives to `label`"),
    "oracle_mean": Column("float64", "mean probability that the judging oracles give to `label`"),
    "oracle_high": Column("float64", "highest probability that any judging oracle gives to `label`"),
    "oracles": Column("int64", "number of judging oracles"),
    "accepted": Column("bool", "all judging oracles give `label` a probability of at least 0.9"),
    "distance": Column("float64", "root mean square step from the start in latent space; 0 natural, NaN real"),
}

METRICS: Table = {
    **_IDENTITY,
    "unit": Column("string", "image, patient recognition or patient diagnosis"),
    "magnification": Column("string", "40X, 100X, ..., or pooled"),
    "subtype": Column("string", "subtype, or all"),
    "metric": Column("string", "name of the metric (metrics.py)"),
    "clean": Column("float64", "value without attack"),
    "clean_low": Column("float64", "lower end of its 95 % interval, clustered by group"),
    "clean_high": Column("float64", "upper end"),
    "value": Column("float64", "value under attack"),
    "low": Column("float64", "lower end of its 95 % interval, clustered by group"),
    "high": Column("float64", "upper end"),
    "drop": Column("float64", "clean - value, on the same images; NaN where the clean classifier does not work"),
    "drop_low": Column("float64", "lower end of its 95 % interval, clustered by group"),
    "drop_high": Column("float64", "upper end"),
    "p": Column("float64", "sign-flip test over groups that the drop is zero (of patients: McNemar's exact test)"),
    "p_holm": Column("float64", "p after Holm's correction over attack x magnification"),
    "p_durkalski": Column("float64", "Durkalski's clustered McNemar test, beside p; for many groups", since=2),
    "images": Column("int64", "images in the denominator"),
    "groups": Column("int64", "groups (patients) in the denominator"),
    "note": Column("string", "what a reader must know; empty when there is nothing"),
}

CALIBRATION: Table = {
    **_IDENTITY,
    "which": Column("string", "clean or attacked"),
    "bin": Column(
        "int64", "number of the bin, from 1: at most 15, of equally many images, from low scores to high ones"
    ),
    "images": Column("int64", "images in the bin; equal scores share a bin"),
    "groups": Column("int64", "groups (patients) in the bin"),
    "score": Column("float64", "mean P(malignant) in the bin"),
    "share": Column("float64", "share of malignant images in the bin; where calibrated, this is `score`"),
    "low": Column("float64", "lower end of the share's 95 % interval, clustered by group"),
    "high": Column("float64", "upper end"),
}

COMPARISON: Table = {
    "model": Column("string", "classifier in the first run"),
    "other": Column("string", "classifier in the second run that it is compared with"),
    "source": Column("string", "classifier that was attacked; `itself` where it is the one that is judged"),
    "attack": _IDENTITY["attack"],
    "norm": _IDENTITY["norm"],
    "eps": _IDENTITY["eps"],
    "seed": _IDENTITY["seed"],
    "magnification": METRICS["magnification"],
    "metric": Column("string", "accuracy, sensitivity or specificity, of images"),
    "first": Column("float64", "value in the first run, on the images that both have"),
    "first_low": Column("float64", "lower end of its 95 % interval, clustered by group"),
    "first_high": Column("float64", "upper end"),
    "second": Column("float64", "value in the second run, on the same images"),
    "second_low": Column("float64", "lower end of its 95 % interval, clustered by group"),
    "second_high": Column("float64", "upper end"),
    "difference": Column("float64", "second - first; below zero: the second is worse"),
    "low": Column("float64", "lower end of its 95 % interval, paired by image, clustered by group"),
    "high": Column("float64", "upper end"),
    "p": Column("float64", "sign-flip test over groups that the difference is zero"),
    "p_holm": METRICS["p_holm"],
    "p_durkalski": METRICS["p_durkalski"]._replace(since=1),
    "images": Column("int64", "images in the denominator, in both runs"),
    "groups": METRICS["groups"],
    "first_only": Column("int64", "images of this denominator that only the first run has; left out"),
    "second_only": Column("int64", "images of this denominator that only the second run has; left out"),
    "note": METRICS["note"],
}

FOOLING: Table = {
    **_IDENTITY,
    "mode": GENERATED["mode"],
    "magnification": METRICS["magnification"],
    "label": Column("string", "benign, malignant or both"),
    "metric": Column("string", "name of the rate (metrics.py)"),
    "value": Column("float64", "the rate"),
    "low": Column("float64", "lower end of its 95 % interval"),
    "high": Column("float64", "upper end"),
    "images": Column("int64", "images in the denominator"),
    "note": METRICS["note"],
}

SURVIVAL: Table = {
    **_IDENTITY,
    "fold": PREDICTIONS["fold"],
    "image_id": MANIFEST["image_id"],
    "group": MANIFEST["group"],
    "magnification": MANIFEST["magnification"],
    "label": MANIFEST["label"],
    "clean_pred": PREDICTIONS["clean_pred"],
    "float_pred": Column("int64", "label given to what the attack returned, inside the budget, before any rounding"),
    "pred": Column("int64", "label given to the 8-bit image: the one that is judged"),
    "png_pred": Column("int64", "label given to the image after it was written to a PNG file and read again"),
    "jpeg_pred": Column("int64", "the same with a JPEG file of quality 90"),
    "ssim": Column("float64", "structural similarity to the original, 11x11 Gaussian window, on [0, 1]; 1: no change"),
    "stain": Column("float64", "shift of the mean optical density in the haematoxylin-eosin plane; 0: no change"),
}

STRENGTH: Table = {
    "model": PREDICTIONS["model"],
    "check": Column("string", "name of the strength check (docs/strength.md)"),
    "status": Column("string", "pass, warn, fail, or not run (with the reason in `found`)"),
    "found": Column("string", "what was measured, in words with its numbers"),
    "expected": Column("string", "what a sound evaluation shows"),
    "value": Column("float64", "the number that decides, on the scale of `limit`; NaN where there is none"),
    "limit": Column("float64", "what `value` is held against; NaN where there is none"),
    "images": Column("int64", "images behind the number"),
}

PROBES: Table = {
    "model": PREDICTIONS["model"],
    "fold": PREDICTIONS["fold"],
    "probe": Column(
        "string", "what was asked: budget, iterations, restarts, one-step, black-box, noise, transfer, ..."
    ),
    "attack": PREDICTIONS["attack"],
    "norm": PREDICTIONS["norm"],
    "eps": PREDICTIONS["eps"],
    "setting": Column("float64", "what the probe varies: steps, restarts, queries; NaN where nothing"),
    "image_id": MANIFEST["image_id"],
    "group": MANIFEST["group"],
    "label": MANIFEST["label"],
    "clean_pred": PREDICTIONS["clean_pred"],
    "pred": Column("int64", "label given to the 8-bit image of this probe"),
    "margin": Column("float64", "logit of the wrong class minus logit of the right one, on the 8-bit image"),
    "queries": PREDICTIONS["queries"],
}

LEAKS: Table = {
    "fold": Column("int64", "fold of the split protocol, from 1"),
    "identity": Column("string", "what must not straddle: group, slide or image"),
    "split": Column("string", "val or test"),
    "images": Column("int64", "images of this split"),
    "leaked": Column("int64", "of these, images whose identity is also in train"),
}


def check(frame: pd.DataFrame, table: Table, what: str = "table") -> pd.DataFrame:
    """Return the frame with exactly the columns and dtypes of `table`, in its order, rows renumbered.

    Raises:
        InputError: a column is missing or unknown, or its values do not fit the dtype.
    """
    extra = [name for name in frame.columns if name not in table]
    missing = [name for name in table if name not in frame.columns]
    if extra or missing:
        hints = "; ".join(f"unknown column `{name}`. {nearest(name, table)}" for name in extra[:3])
        raise InputError(f"{what}: missing columns: {', '.join(missing) or 'none'}; {hints}")
    try:
        return frame[list(table)].astype({name: column.dtype for name, column in table.items()}).reset_index(drop=True)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: a value does not fit its column: {error}") from None


def write(frame: pd.DataFrame, table: Table, path: Path) -> None:
    """Check a frame and write it as Parquet (`.parquet`) or CSV (`.csv`)."""
    frame = check(frame, table, path.name)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
    else:
        frame.to_parquet(path, index=False, compression="zstd")


def read(path: Path, table: Table) -> pd.DataFrame:
    """Read and check a table that `write` wrote.

    Raises:
        InputError: the file is missing or is not this table.
    """
    try:
        if path.suffix == ".csv":
            text = {name: "string" for name, column in table.items() if column.dtype == "string"}
            frame = pd.read_csv(
                path, dtype=text, keep_default_na=False, na_values=dict.fromkeys(set(table) - set(text), "")
            )
        else:
            frame = pd.read_parquet(path)
        frame = _completed(frame, table)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a table: {error}") from None
    return check(frame, table, str(path))


def _completed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The frame with the columns that did not exist when it was written: empty text, NaN."""
    later = {name: column for name, column in table.items() if column.since > 1 and name not in frame.columns}
    return frame.assign(**{name: "" if column.dtype == "string" else math.nan for name, column in later.items()})


def empty(table: Table) -> pd.DataFrame:
    """A table without rows."""
    return check(pd.DataFrame({name: pd.Series(dtype=column.dtype) for name, column in table.items()}), table)
