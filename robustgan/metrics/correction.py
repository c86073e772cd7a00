"""Sensitivity and specificity on images whose labels are not all right, with the wrong labels taken out.

Of accepted malignant images a share `p` is malignant in truth, of accepted benign ones a share `q` is benign. What a
victim of sensitivity s and specificity t shows on them is p s + (1 - p) (1 - t), and q t + (1 - q) (1 - s): two
equations, solved here for s. Where both classes are alike this is (observed - (1 - q)) / (2 q - 1). It takes for
granted that labels of generated images are wrong as often as those of real ones of which the oracles are as sure, and
that a wrong label is no easier or harder for the victim. Where what was seen rules that out (the rate would leave
[0, 1]), nothing is corrected: cut off at 1, it would flatter the victim with an interval of no width. A search looks
for just such images, so a corrected rate of searched images still flatters the attack; but where people said how many
labels of the searched images themselves are right, nothing needs to be taken from real ones.

Source:
    Rogan, Gladen, American Journal of Epidemiology 107 (1978) 71-76 (the correction, for one class); the interval is
    the square-and-add of Zou, Donner, Statistics in Medicine 27 (2008) 1693-1702, on how far each of the four
    estimates moves the result from end to end of its own interval.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from robustgan.metrics.estimates import Reading, clipped
from robustgan.statistics import Interval

LEAST = 0.6  # share of right labels below which nothing can be said of the victim


class Evidence(NamedTuple):
    """What is known of one class and of the other: the victim's observed rates, the shares of right labels."""

    seen: Reading
    seen_other: Reading
    right: Reading
    right_other: Reading


class Whose(NamedTuple):
    """Who says how many labels are right, in the words of a refusal."""

    metrics: tuple[str, str]  # of malignant images, of benign ones
    few: str  # what is missing of a class
    among: str  # what the share of right labels is of
    together: str  # what the victim does where the rate is ruled out


ORACLES = Whose(
    ("sensitivity_corrected", "specificity_corrected"),
    "too few patients with real images that all oracles call {name}",
    "of the real images that all oracles call {name} are",
    "victim and oracles err together",
)
PEOPLE = Whose(
    ("sensitivity_corrected_people", "specificity_corrected_people"),
    "people rated too few accepted {name} images",
    "of the labels {name} of accepted images are right, say people",
    "victim and oracles err together, or the raters err",
)


def corrected(known: Evidence) -> Reading:
    """The victim's rate on the first class, had all labels been right; in [0, 1], with its interval."""
    values = tuple(part.value for part in known)
    value = solved(*values)
    below, above = 0.0, 0.0
    for i, part in enumerate(known):
        moves = [solved(*(end if j == i else old for j, old in enumerate(values))) - value for end in part.ends]
        below, above = below + min(0.0, *moves) ** 2, above + max(0.0, *moves) ** 2
        if any(math.isnan(move) for move in moves):  # labels may be as good as drawn by lot
            below = above = math.inf
    ends = Interval(value - math.sqrt(below), value + math.sqrt(above))
    return Reading(min(1.0, max(0.0, value)), clipped(ends, 0))


def solved(seen: float, seen_other: float, right: float, right_other: float) -> float:
    """The first class's true rate from both observed ones; NaN where labels say nothing about the truth."""
    slope = right + right_other - 1
    if slope <= 0:
        return math.nan
    return (right_other * (seen - 1 + right) + (1 - right) * (seen_other - 1 + right_other)) / slope


def doubt(right: Reading, name: str, whose: Whose = ORACLES) -> str:
    """Why the labels of one class say too little; empty where they do not."""
    if math.isnan(right.ends.low):
        return f"not corrected: {whose.few.format(name=name)}"
    if right.value < LEAST:
        return f"not corrected: {right.value:.2f} {whose.among.format(name=name)}, required is {LEAST}"
    return ""


def refusal(known: Evidence, names: tuple[str, str], whose: Whose = ORACLES) -> str:
    """Why nothing is corrected; empty where all that it takes is known."""
    for reading, name in zip((known.right, known.right_other), names, strict=True):
        if why := doubt(reading, name, whose):
            return why
    if math.isnan(known.seen.value) or math.isnan(known.seen_other.value):
        return "not corrected: no accepted images of one class"
    value = solved(*(part.value for part in known))
    if not 0 <= value <= 1:
        wrong = 1 - known.right.value
        return f"not corrected: {wrong:.3f} of the labels wrong rule this rate out; {whose.together}"
    return ""
