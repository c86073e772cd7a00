"""Rates of images that were made from scratch: unpaired, never given an eps, in a table of their own.

The class that a generated image was asked to be is a hypothesis. It is *accepted* where all judging oracles
give it a probability of at least 0.9; only accepted images can fool. The same rule on real held-out images is
the floor: how often it is wrong where the truth is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from robustgan.metrics.cells import magnified
from robustgan.metrics.correction import ORACLES, PEOPLE, Evidence, Whose, corrected, refusal
from robustgan.metrics.estimates import FEWEST, Reading, clipped
from robustgan.metrics.people import Rating, Rights
from robustgan.shapes import Array, Bool
from robustgan.statistics import (
    NO_INTERVAL,
    Interval,
    Term,
    correlation,
    korn_graubard,
    square_and_add,
    wilson,
)
from robustgan.tables import FOOLING, GENERATED, check, empty

SURE = 0.9  # probability that every judging oracle must give to a label
FAITHFUL = 0.8  # oracle accuracy of a class; below, the generator does not make what it is asked for

Mask = Bool[Array, " images"]
FOOLING_NAMES: dict[str, str] = {
    "yield": "share of images that all judging oracles accept",
    "fooling_rate": "share of accepted images that the victim calls wrong; the attacker wants it high",
    "oracle_floor": "real images where all oracles are sure of one label: share where that label is wrong",
    "oracle_accuracy": "share of images that the oracles, on average, call what was asked for; no selection",
    "victim_accuracy": "share of images that the victim calls what was asked for; no selection",
    "gap": "oracle_accuracy - victim_accuracy; the attacker wants it high",
    "sensitivity": "share of accepted malignant images called malignant; the attacker wants it low",
    "specificity": "share of accepted benign images called benign; the attacker wants it low",
    "sensitivity_corrected": "sensitivity without the labels that are wrong, if as many of them are wrong as of the "
    "labels that the same oracles give to real images; not given where less than 0.6 of those are right",
    "specificity_corrected": "specificity, corrected in the same way",
}
_WHO = ["model", "source", "attack", "norm", "eps", "seed"]
_IDENTITY = [*_WHO, "mode"]
_LABELS = {"benign": (0,), "malignant": (1,), "both": (0, 1)}
_MODES = ("real", "natural", "searched", "walked")


class Made(NamedTuple):
    """The images of one cell."""

    group: list[str]  # patient; empty strings where generated
    malignant: Mask
    victim: Mask  # the victim says what was asked for
    oracle: Mask  # so do the oracles, on average
    accepted: Mask
    mistaken: Mask  # all oracles are sure of the other label


def fooling(generated: pd.DataFrame, rating: Rating | None = None) -> pd.DataFrame:
    """FOOLING rates of each generator, at each magnification and pooled, for each label.

    Args:
        generated: GENERATED rows.
        rating: what people said of these images; adds rates that are corrected with it.
    """
    frame = check(generated, GENERATED, "generated").sort_values("image_id", kind="stable")
    rows = [
        {**dict(zip(_IDENTITY, identity, strict=True)), **row}
        for _, whole in frame.groupby(_WHO, dropna=False)
        for identity, part in whole.groupby(_IDENTITY, dropna=False)
        for row in rows_of(str(identity[-1]), part, whole[whole["mode"] == "real"], rights_of(rating, identity))
    ]
    if not rows:
        return empty(FOOLING)
    table = check(pd.DataFrame(rows), FOOLING, "fooling")
    return table.sort_values(_IDENTITY, key=sort_key, kind="stable", ignore_index=True)


def rights_of(rating: Rating | None, identity: tuple[Any, ...]) -> Rights:
    """Shares of right labels in one generator's images of one mode; empty where people said nothing of them."""
    names = dict(zip(_IDENTITY, identity, strict=True))
    return {} if rating is None else rating.rights(names["attack"], names["model"], names["mode"])


def rows_of(mode: str, frame: pd.DataFrame, real: pd.DataFrame, people: Rights) -> Iterator[dict[str, object]]:
    """Rows of one generator and mode; the same generator's real images, and `people`, say how far labels hold."""
    scales = [(magnified(m), part, real[real["magnification"] == m]) for m, part in frame.groupby("magnification")]
    for magnification, part, known in [*scales, ("pooled", frame, real)]:
        for label, wanted in _LABELS.items():
            chosen = part[part["label"].isin(wanted)]
            note = "; ".join(cautions(chosen, mode))
            found = [(*rate, note) for rate in rates(made(chosen), mode, label)]
            if label == "both" and mode != "real":
                found += corrections(made(chosen), rights(made(known)), note, ORACLES)
                if people:
                    told = (people.get((magnification, name), Reading()) for name in ("malignant", "benign"))
                    found += corrections(made(chosen), tuple(told), note, PEOPLE)
            for metric, reading, images, said in found:
                ends = {"low": reading.ends.low, "high": reading.ends.high}
                where = {"magnification": magnification, "label": label, "metric": metric, "note": said}
                yield {**where, "value": reading.value, **ends, "images": images}


def made(rows: pd.DataFrame) -> Made:
    """What the rates need of the rows."""
    label = rows["label"].to_numpy()
    return Made(
        group=rows["group"].tolist(),
        malignant=label == 1,
        victim=rows["pred"].to_numpy() == label,
        oracle=rows["oracle_mean"].to_numpy() >= 0.5,
        accepted=rows["accepted"].to_numpy(dtype=bool),
        mistaken=1 - rows["oracle_high"].to_numpy() >= SURE,
    )


def rates(images: Made, mode: str, label: str) -> Iterator[tuple[str, Reading, int]]:
    """Metric, value and denominator of one cell; rates that need one label stand with `both`."""
    accepted, count = images.accepted, len(images.group)
    every = np.ones(count, dtype=bool)
    yield "yield", *rate(images, accepted, every)
    yield "fooling_rate", *rate(images, ~images.victim, accepted)
    if mode == "real":
        yield "oracle_floor", *rate(images, images.mistaken, accepted | images.mistaken)
    (oracle, _), (victim, _) = rate(images, images.oracle, every), rate(images, images.victim, every)
    yield "oracle_accuracy", oracle, count
    yield "victim_accuracy", victim, count
    apart = clipped(square_and_add(Term(1, *oracle), Term(-1, *victim), kinship(images)), -1)
    yield "gap", Reading(oracle.value - victim.value, apart), count
    if label == "both":
        yield "sensitivity", *rate(images, images.victim, accepted & images.malignant)
        yield "specificity", *rate(images, images.victim, accepted & ~images.malignant)


def rights(real: Made) -> tuple[Reading, ...]:
    """Shares of right labels, malignant and benign, among the real images of which all oracles are sure."""
    sides = (real.malignant, ~real.malignant)
    return tuple(
        rate(real, real.accepted & mine, (real.accepted & mine) | (real.mistaken & ~mine))[0] for mine in sides
    )


def corrections(
    images: Made, right: tuple[Reading, ...], note: str, whose: Whose
) -> Iterator[tuple[str, Reading, int, str]]:
    """Sensitivity and specificity without wrong labels: metric, value, denominator and note."""
    names = ("malignant", "benign")
    seen = [rate(images, images.victim, images.accepted & mine) for mine in (images.malignant, ~images.malignant)]
    for i, metric in enumerate(whose.metrics):
        known = Evidence(seen[i][0], seen[1 - i][0], right[i], right[1 - i])
        why = refusal(known, (names[i], names[1 - i]), whose)
        said = "; ".join(filter(None, (note, why)))
        yield metric, Reading() if why else corrected(known), seen[i][1], said


def rate(images: Made, hit: Mask, counted: Mask) -> tuple[Reading, int]:
    """One rate with its denominator."""
    n = int(counted.sum())
    return Reading(float((hit & counted).sum() / n) if n else math.nan, ends(images.group, hit, counted)), n


def ends(group: list[str], hit: Mask, counted: Mask) -> Interval:
    """Interval of a rate: clustered by patient (real), or Wilson's for independent draws (generated)."""
    if not any(group):
        return wilson(float((hit & counted).sum()), float(counted.sum()))
    index, names = pd.factorize(np.array(group, dtype=object)[counted])
    if len(names) < FEWEST:
        return NO_INTERVAL
    return korn_graubard(np.bincount(index, hit[counted]), np.bincount(index).astype(float))


def kinship(images: Made) -> float:
    """Correlation of the oracles' accuracy with the victim's: both see the same images."""
    index = pd.factorize(np.array(images.group, dtype=object))[0]
    if not any(images.group):  # independent draws: each is a group of its own
        index = np.arange(len(index))
    every = np.ones(len(index), dtype=bool)
    return correlation(*(np.bincount(index, part).astype(float) for part in (images.oracle, images.victim, every)))


def cautions(rows: pd.DataFrame, mode: str) -> Iterator[str]:
    """What a reader must know of one cell."""
    if rows.empty:
        yield "no such images"
    elif mode == "real":
        patients = rows["group"].nunique()
        if patients < FEWEST:
            yield f"{patients} groups: no interval"
    else:
        yield from doubts(rows)


def doubts(rows: pd.DataFrame) -> Iterator[str]:
    """What weakens the evidence of generated images."""
    seen = (rows["oracle_mean"] >= 0.5).groupby(rows["label"]).mean()
    if seen.min() < FAITHFUL:  # of the worse class: a mean would hide it
        name = "malignant" if seen.idxmin() == 1 else "benign"
        yield f"not label faithful: the oracles see {name} in a share of {seen.min():.2f}, where it was asked for"
    copies = int(rows.duplicated("image_id").sum())
    if copies:
        yield f"{copies} images are exact copies of others: the interval is too narrow"
    if int(rows["oracles"].min()) < 2:
        yield "one judging oracle: its errors count as fooling"


def sort_key(column: pd.Series[Any]) -> pd.Series[Any]:
    """Modes in the order real, natural, searched, walked; everything else as it is."""
    return column.map(_MODES.index) if column.name == "mode" else column
