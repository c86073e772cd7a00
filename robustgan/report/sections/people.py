"""What people said of a generator's accepted images: how many labels are right, and what the raters' own are worth."""

from __future__ import annotations

from robustgan.metrics.people import Rating
from robustgan.report import cases as lookup
from robustgan.report.cases import POOLED
from robustgan.report.document import Block, Cell, Paragraph, Table
from robustgan.report.folder import Folder, Row
from robustgan.report.words import absent, count, interval, percent, sized

CLASSES = ("benign", "malignant")


def blocks(folder: Folder, identity: Row) -> list[Block]:
    """The shares of right labels, by mode; nothing where nobody rated this generator's images."""
    rating = folder.rating
    if rating is None:
        return []
    rated = {mode: rating.rights(identity["attack"], identity["model"], mode) for mode in ("natural", "searched")}
    lines = [(Cell(mode), *(_share(rating, identity, mode, name) for name in CLASSES)) for mode in rated if rated[mode]]
    if not lines:
        return []
    name = f"{lookup.shown(identity['attack'])} against {identity['model']}"
    caption = f"{name}: labels of accepted images that are right, say {rating.who}: % (95 % interval), n images."
    table = Table(caption, ("Images", *(label.capitalize() for label in CLASSES)), tuple(lines))
    return [table, Paragraph(_note(rating), "note")]


def _share(rating: Rating, identity: Row, mode: str, label: str) -> Cell:
    """One share with its interval, also where too few images were rated to correct with."""
    wanted = (identity["attack"], identity["model"], mode, POOLED, label)
    rows = [row for row in rating.accepted if (row.attack, row.model, row.mode, row.magnification, row.label) == wanted]
    if not rows or rows[0].value is None:
        return absent("n = 0")
    value, ends = rows[0].value, [float("nan") if end is None else end for end in (rows[0].low, rows[0].high)]
    return Cell(f"{interval(value, *ends)}, n {rows[0].images}", value, hint=sized(rows[0].images))


def _note(rating: Rating) -> str:
    real, sound = rating.real, "gave no label to real images"
    if real.value is not None:
        sound = (
            f"gave the right label to {percent(real.value)} % of {count(real.images, 'real image')} on the same sheet"
        )
    return (
        "Corrected by people: without the wrong labels that the raters found on these images themselves, mode by mode. "
        f"The raters {sound}; their own mistakes count as wrong labels, and `cannot tell` is left out."
    )
