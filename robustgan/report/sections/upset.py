"""Does a trained generator beat the gradient attacks that it should lose to? Then something is broken.

One pass of a network that never sees a test image's gradient cannot know more than an attack that climbs it, image by
image. Compared are the same images: those of the class that the generator was trained to turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from robustgan.gates.evidence import label_of
from robustgan.metrics.estimates import ENOUGH
from robustgan.report import cases as lookup
from robustgan.report.cases import Case
from robustgan.report.document import Block, Paragraph
from robustgan.report.folder import Folder
from robustgan.report.words import count, p_value, percent
from robustgan.statistics import ALPHA, sign_flip

STRONG = ("pgd", "apgd", "ensemble")  # kinds of attacks that climb the classifier's own gradient
SLACK = 0.02  # of the images that are right when clean: a lead that says nothing
GOALS = {"hide": (1,), "invent": (0,)}  # labels that a generator was trained to turn; any other goal: both


class Lead(NamedTuple):
    """A generator beside the gradient attack that turns most of the same images."""

    rival: Case
    mine: float  # share of the images that the generator turns
    best: float
    images: int
    groups: int
    p: float  # of the sign-flip test over patients

    @property
    def odd(self) -> bool:
        """Whether the lead is more than noise; of few patients no test can say, and the lead stands."""
        return self.mine - self.best > SLACK and (self.groups < ENOUGH or self.p < ALPHA)


def blocks(folder: Folder, found: list[Case]) -> Iterator[Block]:
    """A warning for every generator that is too good; a note for those that nothing stands beside."""
    alone = []
    for case in (case for case in found if case.kind == "advgan"):
        rivals = [other for other in found if other.kind in STRONG and _alike(other, case)]
        leads = [one for rival in rivals if (one := lead(folder, case, rival))]
        if not leads:
            alone.append(case.title)
            continue
        first = max(leads, key=lambda one: one.best)
        if first.odd:
            yield Paragraph(_words(case, first), "warning")
    if alone:
        text = "With no PGD, Auto-PGD or ensemble at the same budget, nobody knows whether a gradient attack does more"
        yield Paragraph(f"{text}: {', '.join(alone)}.", "note")


def lead(folder: Folder, case: Case, rival: Case) -> Lead | None:
    """Both attacks on the images that are right when clean and of the generator's class; None where there are none."""
    both = _turned(folder, case).join(_turned(folder, rival)["turned"].rename("rival"), how="inner")
    both = both[both["label"].isin(GOALS.get(_goal(folder, case), (0, 1)))]
    if both.empty:
        return None
    apart = (both["turned"].astype(int) - both["rival"].astype(int)).groupby(both["group"]).sum()
    shares = float(both["turned"].mean()), float(both["rival"].mean())
    return Lead(rival, *shares, len(both), len(apart), sign_flip(apart.to_numpy()))


def _turned(folder: Folder, case: Case) -> pd.DataFrame:
    """Patient, label and outcome of each image that is right when clean."""
    rows = lookup.of(folder.predictions, case)
    rows = rows[rows["clean_pred"] == rows["label"]]
    return rows.assign(turned=rows["pred"] != rows["label"]).set_index("image_id")[["group", "label", "turned"]]


def _goal(folder: Folder, case: Case) -> str:
    entries = (entry for entry in folder.config.get("attacks", []) if label_of(entry) == case.attack)
    return next((str(entry.get("goal", "any")) for entry in entries), "any")


def _alike(one: Case, other: Case) -> bool:
    same = (one.norm, one.seed, one.source) == (other.norm, other.seed, other.source)
    return same and abs(one.eps - other.eps) < 1e-9


def _words(case: Case, found: Lead) -> str:
    tested = f", p {p_value(found.p)}" if found.groups >= ENOUGH else ""
    return (
        f"{case.title} turns {percent(found.mine)} % and {found.rival.name} only {percent(found.best)} % of the same "
        f"{count(found.images, 'image')} of {count(found.groups, 'patient')}{tested}: an attack that needs no gradient "
        "when it is used beats the one that does. The gradient attack was not strong enough here, and its drop is not "
        "the worst case."
    )
