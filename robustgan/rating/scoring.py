"""What the filled-in sheets say: real or generated, does the label hold, do the raters agree.

Only first showings count for the shares; second showings are for the agreement of a rater with itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from robustgan.rating.agreement import Estimate, kappa, share
from robustgan.rating.key import CLASSES, GENERATED_KIND, NATURAL, QUESTIONS, REAL, SEARCHED, UNTOLD

SURE = ("4", "5")  # confidences of a rater who is sure
FAITHFUL = 0.6  # label correctness below which no rate can be corrected for wrong labels
ASKED = ("real_or_generated", "label")  # questions of which the agreement is measured

MEANINGS = {
    "accuracy": "share of answers that tell real from generated; 0.5 is guessing",
    "accuracy_sure": "the same where the rater's confidence is 4 or 5",
    "real_called_real": "share of answers to real images that say real",
    "generated_called_generated": "share of answers to generated images that say generated",
    "label_correctness": "q: share of labels given to generated images that are what was asked for",
    "label_correctness_accepted": "q where the oracles accepted the image: for the rates of accepted images",
    "label_correctness_strict": "q where `cannot tell` counts as wrong",
    "label_accuracy_real": "share of labels given to real images that are right: what the raters' labels are worth",
    "untold": "share of generated images of which the rater cannot tell the label",
}


class Scores(NamedTuple):
    """All numbers: shares of each rater and of all together, and agreements."""

    shares: dict[str, dict[str, Estimate]]  # rater (`together`: all), name in MEANINGS
    itself: dict[str, dict[str, Estimate]]  # rater, question: kappa of first and second showings
    between: dict[str, Estimate]  # question: Cohen's (two raters) or Fleiss' (more) kappa; empty for one rater
    labels: dict[str, dict[str, Estimate]]  # rater (`together`: all), mode and class: q of accepted images


def score(key: pd.DataFrame, sheets: Mapping[str, pd.DataFrame]) -> Scores:
    """Score the sheets.

    Args:
        key: what the images are (`KEY`).
        sheets: the answers of each rater, in the order of the key.
    """
    first = (key["repeat_of"] == "").to_numpy()
    shown = key[first].assign(unit=units(key[first]))
    answers = {rater: sheet[first].reset_index(drop=True) for rater, sheet in sheets.items()}
    pairs = {rater: (shown, one) for rater, one in answers.items()}
    if len(sheets) > 1:
        stacked = pd.concat([shown] * len(sheets), ignore_index=True)
        pairs["together"] = stacked, pd.concat(answers.values(), ignore_index=True)
    found = {rater: dict(shares(*pair)) for rater, pair in pairs.items()}
    labels = {rater: dict(rights(*pair)) for rater, pair in pairs.items()}
    between = {}
    if len(sheets) > 1:
        for question in ASKED:
            coded = [codes(one[question], question) for one in answers.values()]
            between[question] = kappa(coded, len(QUESTIONS[question]), shown["unit"].tolist())
    return Scores(found, {rater: dict(stability(key, sheet)) for rater, sheet in sheets.items()}, between, labels)


def units(rows: pd.DataFrame) -> pd.Series[Any]:
    """What may be alike: the images of a patient; a generated image is a draw of its own."""
    return rows["group"].where(rows["kind"] == REAL, rows["id"])


def shares(shown: pd.DataFrame, answers: pd.DataFrame) -> Iterator[tuple[str, Estimate]]:
    """Every share of MEANINGS; rows of both tables belong together."""
    kind, unit = shown["kind"].to_numpy(), shown["unit"].tolist()
    said, told = answers["real_or_generated"].to_numpy(), answers["label"].to_numpy()
    real, made, accepted = kind == REAL, kind == GENERATED_KIND, shown["accepted"].to_numpy(dtype=bool)
    right, known = told == np.array(CLASSES)[shown["label"].to_numpy()], told != UNTOLD
    sure = answers["confidence"].isin(SURE).to_numpy()
    cells = {
        "accuracy": (said == kind, real | made),
        "accuracy_sure": (said == kind, sure),
        "real_called_real": (said == kind, real),
        "generated_called_generated": (said == kind, made),
        "label_correctness": (right, made & known),
        "label_correctness_accepted": (right, made & known & accepted),
        "label_correctness_strict": (right, made),
        "label_accuracy_real": (right, real & known),
        "untold": (~known, made),
    }
    for name, (hit, counted) in cells.items():
        yield name, share(hit, counted, unit)


def rights(shown: pd.DataFrame, answers: pd.DataFrame) -> Iterator[tuple[str, Estimate]]:
    """Q of accepted images, for each mode that was shown and each class; rows of both tables belong together."""
    told, label = answers["label"].to_numpy(), shown["label"].to_numpy()
    counted = shown["accepted"].to_numpy(dtype=bool) & (told != UNTOLD)
    for mode in (NATURAL, SEARCHED):
        mine = of_mode(shown, mode)
        for number, name in enumerate(CLASSES if mine.any() else ()):
            yield f"{mode} {name}", share(told == name, counted & mine & (label == number), shown["unit"].tolist())


def of_mode(rows: pd.DataFrame, mode: str) -> np.ndarray:
    """Which images were drawn for a mode; some for both."""
    return np.array([mode in modes.split(" ") for modes in rows["mode"]], dtype=bool)


def stability(key: pd.DataFrame, sheet: pd.DataFrame) -> Iterator[tuple[str, Estimate]]:
    """Cohen's kappa of a rater with itself, on the images that were shown twice."""
    again = key[key["repeat_of"] != ""]
    unit = units(again.assign(id=again["repeat_of"])).tolist()
    for question in ASKED:
        pairs = [codes(sheet.loc[again[name], question], question) for name in ("repeat_of", "id")]
        yield question, kappa(pairs, len(QUESTIONS[question]), unit)


def codes(answers: pd.Series[Any], question: str) -> np.ndarray:
    """Index of each answer."""
    return answers.map(QUESTIONS[question].index).to_numpy(dtype=np.int64)


# ---------------------------------------------------------------------------------------------------- telling it


def as_json(scores: Scores) -> str:
    """The numbers for a program to read; null where one is not defined."""
    plain = {
        "shares": {rater: _plain(one) for rater, one in scores.shares.items()},
        "intra_rater_kappa": {rater: _plain(one) for rater, one in scores.itself.items()},
        "inter_rater_kappa": {"method": method(scores), **_plain(scores.between)},
        "label_correctness_accepted": {rater: _plain(one) for rater, one in scores.labels.items()},
        "meanings": MEANINGS,
    }
    return json.dumps(plain, allow_nan=False)


def _plain(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, float | int | None]]:
    return {
        name: {"value": _number(e.value), "low": _number(e.ends.low), "high": _number(e.ends.high), "n": e.n}
        for name, e in estimates.items()
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def method(scores: Scores) -> str | None:
    """Which kappa the agreement between raters is."""
    raters = len(scores.itself)
    return None if raters < 2 else "Cohen" if raters == 2 else "Fleiss"


def as_lines(scores: Scores) -> Iterator[str]:
    """The numbers for people."""
    for rater, found in scores.shares.items():
        yield f"{rater}:"
        for name, estimate in found.items():
            yield f"  {name:<27} {told(estimate):<34} {MEANINGS[name]}"
        for what, estimate in scores.labels[rater].items():
            yield f"  {f'q, {what}':<27} {told(estimate):<34} accepted {what} images: share of labels that are right"
        for question, estimate in scores.itself.get(rater, {}).items():
            yield f"  {'kappa with itself':<27} {told(estimate):<34} {question}, images shown twice"
    if scores.between:
        yield f"between {len(scores.itself)} raters:"
        for question, estimate in scores.between.items():
            yield f"  {f'{method(scores)} kappa':<27} {told(estimate):<34} {question}"
    yield from cautions(scores)


def cautions(scores: Scores) -> Iterator[str]:
    """What a reader must not conclude."""
    found = list(scores.shares.values())[-1]  # `together`, or the one rater
    if found["label_correctness"].value < FAITHFUL:
        yield f"Label correctness is below {FAITHFUL}: rates of generated images must not be corrected with it."
    if not found["label_accuracy_real"].ends.low > 0.5:
        yield "On real images the raters' labels are not shown to beat guessing: their q says little."
    yield "Say who the raters were (--kind): without pathologists, q is that of non-experts."


def told(estimate: Estimate) -> str:
    """One estimate as people read it."""
    if not math.isfinite(estimate.value):
        return f"not defined (n {estimate.n})"
    ends = f"{estimate.ends.low:.3f} to {estimate.ends.high:.3f}" if math.isfinite(estimate.ends.low) else "no interval"
    return f"{estimate.value:.3f} ({ends}, n {estimate.n})"
