"""How many labels of a generator's accepted images are right, as people say: `rate score --into` leaves it in a report.

A rating names the digest of the rows that it is about, and says who rated and how many images. It holds no name of a
rater, and no image.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from robustgan import seal
from robustgan.config import Spec, read_json
from robustgan.errors import InputError
from robustgan.metrics.correction import PEOPLE, doubt
from robustgan.metrics.estimates import Reading
from robustgan.statistics import Interval

FILE = "rating.json"  # in the report folder
FEWEST_RATED = 10  # accepted images of a class and mode; fewer say nothing of the others
PEOPLE_NAMES = {
    "sensitivity_corrected_people": "sensitivity without the labels that are wrong, as people say of accepted images "
    f"of this mode, at least {FEWEST_RATED} of each class; not given where less than 0.6 of the labels are right",
    "specificity_corrected_people": "specificity, corrected in the same way",
}

Fraction = Annotated[float, Field(ge=0, le=1)]
Rights = dict[tuple[str, str], Reading]  # by magnification (`pooled` too) and class: share of right labels


class Share(Spec):
    """A share of the answers that say what was asked for, or is known; null where it is not defined."""

    value: Fraction | None
    low: Fraction | None  # ends of the 95 % interval; answers about one image count as alike as they are
    high: Fraction | None
    answers: Annotated[int, Field(ge=0)]  # without `cannot tell`
    images: Annotated[int, Field(ge=0)]

    @property
    def reading(self) -> Reading:
        """Value and interval; nothing where too few images were rated."""
        if self.images < FEWEST_RATED:
            return Reading()
        value, *ends = (math.nan if number is None else number for number in (self.value, self.low, self.high))
        return Reading(value, Interval(*ends))


class Right(Share):
    """The share q of right labels among the accepted images of one class and mode."""

    attack: str
    model: str
    mode: Literal["natural", "searched"]
    magnification: str  # 40X, 100X, ..., or pooled
    label: Literal["benign", "malignant"]


class Rating(Spec):
    """What people said of the images of one report."""

    kind: Literal["pathologist", "non-expert"]
    raters: Annotated[int, Field(ge=1)]
    generated_sha256: str  # of the report's generated.parquet
    key_sha256: str
    sheets_sha256: tuple[str, ...]  # sorted
    real: Share  # labels that the raters gave to real images, against the known ones
    accepted: tuple[Right, ...]

    @property
    def who(self) -> str:
        """The raters, in words: `2 pathologists`."""
        return f"{self.raters} {self.kind}{'s' if self.raters > 1 else ''}"

    def rights(self, attack: str, model: str, mode: str) -> Rights:
        """Shares of right labels of one mode; empty where none of its images was on the sheet."""
        rows = [row for row in self.accepted if (row.attack, row.model, row.mode) == (attack, model, mode)]
        return {(row.magnification, row.label): row.reading for row in rows}

    def refusals(self) -> dict[str, str]:
        """Why nothing is corrected, by mode (pooled); empty where something is."""
        found: dict[str, str] = {}
        for row in self.accepted:
            if row.magnification == "pooled":
                what = f"{row.attack} on {row.model}, {row.mode}"
                found[what] = found.get(what) or doubt(row.reading, row.label, PEOPLE)
        return found if all(found.values()) else {}


def write(rating: Rating, folder: Path) -> None:
    """Put a rating into a report folder."""
    text = json.dumps(rating.model_dump(mode="json"), indent=1, allow_nan=False)
    (folder / FILE).write_text(text + "\n", "utf-8")


def read(folder: Path) -> Rating | None:
    """The rating of a report; None where nobody rated.

    Raises:
        InputError: it cannot be read, or is about other images than the report's.
    """
    path = folder / FILE
    if not path.exists():
        return None
    rating = Rating.read(read_json(path), str(path))
    if rating.generated_sha256 != seal.digest(folder / "generated.parquet"):
        raise InputError(f"{path}: rates other images than this report's generated.parquet. Score the sheets again.")
    return rating
