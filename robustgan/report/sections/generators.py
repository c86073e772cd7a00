"""What a sceptic asks of a trained perturbation generator: what `checks.json` of each training says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from robustgan.gates.evidence import label_of
from robustgan.report.document import Block, Cell, Paragraph, Section, Table
from robustgan.report.folder import Folder
from robustgan.report.words import absent, percent, plain, points, sized, value_cell

ONE_SIDED = 0.30  # difference between the directions from which a generator is said to turn mostly one class
LOST_ON_THE_WAY = 0.10  # surrogates fooled more than the classifier, from which the way from them to it is named
LEARNT_BY_HEART = 0.10  # success on training patients above that on validation patients from which it is said
SIDES = {  # share of a `Check`: where it was counted
    "success": ("validation", "any"), "hide": ("validation", "hide"), "invent": ("validation", "invent"),
    "training": ("training", "any"),
}  # fmt: skip
ONE_CHANGE = 0.90  # mean cosine of the changes of one class from which they are said to be one change
ONLY_SIGNS = 0.99  # share of the change at its limit from which the sign of every number is all that was learned

INTRO = (
    "Measured once after each training, on images that the classifier has right, of patients that chose the epoch "
    "(validation) and of as many training images: never on test patients. Saturated: share of the change that is at "
    "95 % of eps or more. Cosine: of the changes of two different images of a class, 1 when each gets the same change; "
    "of the class whose changes are more alike. One-sidedness: success on malignant minus success on benign images."
)


class Check(NamedTuple):
    """The numbers of one generator, a mean over its folds weighted by images; NaN where there is none.

    There is no success where the classifier was not asked; `surrogates` says what its surrogates made of the images.
    """

    name: str
    success: float  # on validation patients
    hide: float
    invent: float
    training: float
    noise: float
    saturated: float
    cosine: float  # of the class whose changes are more alike: over both, one change a class looks like many
    asked: int | None  # images, over all folds; None where the attack sees the weights
    again: int  # of these and of those that the numbers here took: asked about once more after a kill
    images: Mapping[str, int]  # that the shares were counted on, over all folds; by the name of the share
    surrogates: float = math.nan  # success on validation patients, as the surrogates judge
    fooled: float = math.nan  # the same, of surrogates that learned the classifier's answers, beside `success`
    agree: float = math.nan  # share of the changed images of which these say what the classifier says


def sections(folder: Folder) -> tuple[Section, ...]:
    """One row a generator, then what follows from it; nothing where no generator was checked."""
    found = checks(folder.run.get("checks", {}))
    if not found:
        return ()
    heads = (
        "Generator", "Success, validation, %", "Malignant to benign, %", "Benign to malignant, %",
        "One-sidedness, points", "Success, training, %", "Noise, %", "Saturated, %", "Cosine", "Images asked about",
    )  # fmt: skip
    caption = "Means over the folds. Images asked about, over all folds: by attacks that do not see the weights."
    table = Table(caption, heads, tuple(_line(check) for check in found))
    said = [Paragraph(text, "warning") for text in _findings(found, _universal(folder))]
    blocks: tuple[Block, ...] = (Paragraph(INTRO), table, *(Paragraph(text, "note") for text in _notes(found)), *said)
    return (Section("generators", "Are the generators sound?", blocks),)


def checks(entries: Mapping[str, Mapping[str, Any]]) -> list[Check]:
    """Bring the folds of each generator together, by the name of its training without the fold."""
    folds: dict[str, list[Mapping[str, Any]]] = {}
    for name, content in entries.items():
        folds.setdefault(re.sub(r", fold \d+$", "", name), []).append(content)
    return [_check(name, contents) for name, contents in folds.items()]


def _check(name: str, contents: list[Mapping[str, Any]]) -> Check:
    def mean(side: str, goal: str, key: str) -> float:
        return _mean((content[side][goal]["images"], content[side][goal][key]) for content in contents)

    def judged(side: str, goal: str, key: str) -> float:
        return math.nan if unasked else mean(side, goal, key)

    unasked = any(content.get("judge") == "surrogates" for content in contents)
    alike = [cosine for goal in ("hide", "invent") if (cosine := mean("validation", goal, "cosine")) == cosine]
    asked = [content["queries"] for content in contents if content["queries"]]
    return Check(
        name=name,
        success=judged("validation", "any", "success"),
        hide=judged("validation", "hide", "success"),
        invent=judged("validation", "invent", "success"),
        training=judged("training", "any", "success"),
        noise=judged("validation", "any", "noise_success"),
        saturated=mean("validation", "any", "saturated"),
        cosine=max(alike, default=math.nan),
        asked=sum(entry["used"] for entry in asked) if asked else None,
        again=sum(entry.get("again", 0) for entry in asked),  # reports of before had no such count
        images={
            name: sum(content[side][goal]["images"] for content in contents) for name, (side, goal) in SIDES.items()
        },
        surrogates=mean("validation", "any", "success") if unasked else math.nan,
        fooled=_taught(contents, "fooled"),
        agree=_taught(contents, "agree"),
    )


def _taught(contents: list[Mapping[str, Any]], key: str) -> float:
    """Of surrogates that learned the classifier's answers; reports of before do not tell."""
    sides = [content["validation"] for content in contents]
    return _mean((side["any"]["images"], side["surrogates"][key]) for side in sides if side.get("surrogates"))


def _mean(pairs: Iterable[tuple[int, float | None]]) -> float:
    kept = [(images, value) for images, value in pairs if value is not None and images]
    total = sum(images for images, _ in kept)
    return sum(images * value for images, value in kept) / total if total else math.nan


def _line(check: Check) -> tuple[Cell, ...]:
    if check.surrogates == check.surrogates:
        shares = [absent("judged by surrogates") for _ in range(6)]
    else:
        shares = _shares(check)
    asked = Cell("") if check.asked is None else Cell(f"{check.asked:,}", check.asked)
    whole = sized(check.images["success"])
    cosine = value_cell(check.cosine, plain(check.cosine, 2), whole)
    return Cell(check.name), *shares, _share(check.saturated, whole), cosine, asked


def _shares(check: Check) -> list[Cell]:
    """What the classifier says."""
    side = check.hide - check.invent
    of = {name: sized(images) for name, images in check.images.items()}
    whole = of["success"]
    return [
        _share(check.success, whole), _share(check.hide, of["hide"]), _share(check.invent, of["invent"]),
        value_cell(side, points(side), whole), _share(check.training, of["training"]), _share(check.noise, whole),
    ]  # fmt: skip


def _share(value: float, of: str) -> Cell:
    return value_cell(value, percent(value), of)


def _universal(folder: Folder) -> tuple[str, ...]:
    """How the names of generators begin of which one change a class is asked."""
    entries = [entry for entry in folder.config.get("attacks", []) if entry.get("form") == "universal"]
    return tuple(f"{label_of(entry)} {entry['threat']['norm']} " for entry in entries)


def _notes(found: list[Check]) -> list[str]:
    """Of generators that do not see the classifier: whose word there is, how far it holds, what was asked twice."""
    return [text for check in found for text in (_unasked(check), _learned(check), _again(check)) if text]


def _unasked(check: Check) -> str:
    if check.surrogates != check.surrogates:
        return ""
    return (
        f"{check.name} may not ask the classifier. Its own surrogates, on which it was trained, are fooled in "
        f"{percent(check.surrogates)} % of validation images; that is not the classifier, whose drops are above."
    )


def _learned(check: Check) -> str:
    if check.fooled != check.fooled:
        return ""
    lost = check.fooled - check.success > LOST_ON_THE_WAY
    follows = (
        "what fools them fools the classifier less, so the limit is how well they stand in for it"
        if lost
        else "little is lost from them to the classifier, so the limit is how far the generator gets against them"
    )
    return (
        f"{check.name} trains against surrogates that learned the classifier's answers. Of validation images that the "
        f"classifier has right, its changes fool the surrogates in {percent(check.fooled)} % and the classifier in "
        f"{percent(check.success)} %, and the two say the same of {percent(check.agree)} %: {follows}."
    )


def _again(check: Check) -> str:
    if not check.again:
        return ""
    return (
        f"{check.name}: {check.again:,} images were asked about once more, as the run was killed and what had been "
        "answered was of no use afterwards. They are paid for from the budget."
    )


def _findings(found: list[Check], universal: tuple[str, ...] = ()) -> list[str]:
    texts = []
    for check in found:
        if abs(check.hide - check.invent) > ONE_SIDED:
            way = "hides tumours" if check.hide > check.invent else "invents tumours"
            texts.append(f"{check.name} mostly {way}: read the two directions apart, never their mean.")
        if check.training - check.success > LEARNT_BY_HEART:
            texts.append(
                f"{check.name} succeeds on {percent(check.training)} % of training images and on "
                f"{percent(check.success)} % of validation images: it learned its training patients by heart."
            )
        if check.cosine > ONE_CHANGE and not check.name.startswith(universal):
            texts.append(
                f"{check.name} gives nearly all images of a class one change: in effect it is a universal one."
            )
        if check.saturated > ONLY_SIGNS:
            texts.append(
                f"{check.name} is sign-saturated: {percent(check.saturated)} % of its changes are at their limit, so "
                "the sign of every number is all that it learned."
            )
    return texts
