"""From filled-in sheets to the report whose images they are about: which of its labels hold, as people say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from robustgan import seal, tables
from robustgan.errors import InputError
from robustgan.metrics import people
from robustgan.metrics.cells import POOLED, magnified
from robustgan.metrics.people import Rating, Right, Share
from robustgan.rating.agreement import Estimate, share
from robustgan.rating.key import CLASSES, GENERATED_KIND, NATURAL, REAL, SEARCHED, UNTOLD, key_path
from robustgan.rating.scoring import of_mode, units

Kind = Literal["pathologist", "non-expert"]


def enter(report: Path, rating: Rating) -> None:
    """Put a rating into a report, render it again with it, and seal it.

    The seal covers the rating from before the rendering on: after a kill, `robustgan report` makes the pages.

    Raises:
        InputError: the report's evidence is not what its run wrote.
    """
    from robustgan.report.render import render

    seal.check(report, but=people.FILE)
    people.write(rating, report)
    seal.renew(report)
    render(report)
    seal.renew(report)


def rated(
    report: Path, folder: Path, key: pd.DataFrame, sheets: Mapping[str, pd.DataFrame], paths: Sequence[Path], kind: Kind
) -> Rating:
    """What the sheets say of the images of a report, if it is enough to correct a rate with.

    Args:
        report: the report folder.
        folder: the folder that `make` wrote, beside which its key lies.
        key: the key (`KEY`).
        sheets: the answers of each rater, in the order of the key.
        paths: the files of these answers; others may be among them.
        kind: who the raters are; pathologists only where all are.

    Raises:
        InputError: the sheet shows images of another report, or no mode has enough images, or enough right labels.
    """
    judged = tables.read(report / "generated.parquet", tables.GENERATED)
    first = key["repeat_of"] == ""
    shown = key[first].assign(unit=units(key[first])).reset_index(drop=True)
    check_source(report, shown, judged)
    told = pd.concat([shown.assign(said=sheet.loc[shown["id"], "label"].to_numpy()) for sheet in sheets.values()])
    rating = Rating(
        kind=kind,
        raters=len(sheets),
        generated_sha256=seal.digest(report / "generated.parquet"),
        key_sha256=seal.digest(key_path(folder)),
        sheets_sha256=tuple(sorted(seal.digest(path) for path in paths if path.stem in sheets)),
        real=Share(**counted(told[told["kind"] == REAL])),
        accepted=tuple(rights(told, judged)),
    )
    if why := rating.refusals():
        reasons = "; ".join(f"{what}: {reason.removeprefix('not corrected: ')}" for what, reason in why.items())
        raise InputError(
            f"{report}: not entered, as no rate could be corrected: {reasons}. At least {people.FEWEST_RATED} accepted "
            "images of each class are needed (`rate make --accepted` shows no others)."
        )
    return rating


def check_source(report: Path, shown: pd.DataFrame, judged: pd.DataFrame) -> None:
    """Raise an `InputError` where the sheet shows images that the report did not judge, or judged as something else."""
    known = {mode: labels_of(rows) for mode, rows in judged.groupby("mode")}
    for kind, mode in ((GENERATED_KIND, NATURAL), (GENERATED_KIND, SEARCHED), (REAL, REAL)):
        rows = shown[shown["kind"] == kind]
        mine = rows if kind == REAL else rows[of_mode(rows, mode)]
        labels = mine["image_id"].map(known.get(mode, {}))
        strange, other = labels.isna(), labels != mine["label"]
        for wrong, what in ((strange, "not among those that it judged"), (other, "of another class there")):
            if wrong.any():
                raise InputError(
                    f"{report}: {int(wrong.sum())} of the {len(mine)} {mode} images of this sheet are {what}. "
                    "Score a sheet into the report that it was made from, with its own key."
                )


def labels_of(rows: pd.DataFrame) -> dict[str, int]:
    """Label of each image."""
    return dict(zip(rows["image_id"], rows["label"], strict=True))


def rights(told: pd.DataFrame, judged: pd.DataFrame) -> Iterator[Right]:
    """Shares of right labels among accepted images: of each generator, mode, magnification (pooled too) and class.

    Whether an image is accepted is what the report says: oracles may differ from classifier to classifier.
    """
    made = told[told["kind"] == GENERATED_KIND]
    kept = judged[judged["mode"].isin([NATURAL, SEARCHED])]
    for (attack, model, mode), rows in kept.groupby(["attack", "model", "mode"]):
        accepted = set(rows["image_id"][rows["accepted"]])
        mine = made[of_mode(made, str(mode)) & made["image_id"].isin(set(rows["image_id"])).to_numpy()]
        if mine.empty:
            continue
        mine = mine[mine["image_id"].isin(accepted)]
        scales = [(magnified(scale), part) for scale, part in mine.groupby("magnification")]
        for magnification, part in [*scales, (POOLED, mine)]:
            for label, name in enumerate(CLASSES):
                where = {"attack": attack, "model": model, "mode": mode, "magnification": magnification, "label": name}
                yield Right(**where, **counted(part[part["label"] == label]))


def counted(rows: pd.DataFrame) -> dict[str, Any]:
    """The fields of a `Share`."""
    known = (rows["said"] != UNTOLD).to_numpy()
    right = rows["said"].to_numpy() == np.array(CLASSES)[rows["label"].to_numpy()]
    found: Estimate = share(right, known, rows["unit"].tolist())
    numbers = {"value": found.value, "low": found.ends.low, "high": found.ends.high}
    said = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
    return {**said, "answers": found.n, "images": int(rows["image_id"][known].nunique())}
