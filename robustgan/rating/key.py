"""The questions of the sheet, and the key that says what each image is: the raters never get the key."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from robustgan import tables
from robustgan.errors import InputError
from robustgan.tables import GENERATED, Column, Table

REAL, GENERATED_KIND = "real", "generated"
NATURAL, SEARCHED = "natural", "searched"  # modes of GENERATED that people are shown
CLASSES = ("benign", "malignant")  # in the order of the labels
UNTOLD = "cannot tell"

QUESTIONS: dict[str, tuple[str, ...]] = {
    "real_or_generated": (REAL, GENERATED_KIND),
    "label": (*CLASSES, UNTOLD),
    "confidence": ("1", "2", "3", "4", "5"),
}
COLUMNS = ("id", *QUESTIONS, "note")  # of the sheet
SHEET = "ratings.csv"  # the empty sheet, in the folder that raters get

KEY: Table = {
    "id": Column("string", "what the rater sees; a hash"),
    "kind": Column("string", "real (held-out test image) or generated"),
    "label": Column("int64", "class that is known (real) or was asked for (generated); 0 benign, 1 malignant"),
    "magnification": Column("int64", "magnification factor (x); 0 where unknown"),
    "group": Column("string", "patient (real); empty where generated"),
    "image_id": GENERATED["image_id"],
    "accepted": Column("bool", "the run's oracles accept the label (generated); False where real"),
    "repeat_of": Column("string", "id of the first showing, where the image is shown again; else empty"),
    "mode": Column(
        "string",
        "natural (no search), searched (in latent space), or both with a blank between, where a search did not move "
        "and the image was drawn for both; empty where real",
        since=2,
    ),
}


def key_path(folder: Path) -> Path:
    """Where `make` puts the key: beside the folder that raters get, never in it."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}.key.csv")


def read_key(folder: Path) -> pd.DataFrame:
    """Read the key of a rating folder.

    Raises:
        InputError: there is none, or it is no key.
    """
    path = key_path(folder)
    if not path.is_file():
        raise InputError(f"{path}: no key there. `robustgan rate make` wrote it beside the folder: put it back.")
    rows = tables.read(path, KEY)
    unsaid = (rows["kind"] == GENERATED_KIND) & (rows["mode"] == "")  # a key from before searched images were shown
    rows["mode"] = rows["mode"].mask(unsaid, NATURAL)
    first, again = rows["id"][rows["repeat_of"] == ""], rows["repeat_of"][rows["repeat_of"] != ""]
    if not len(first) or rows["id"].duplicated().any() or not again.isin(set(first)).all():
        raise InputError(f"{path}: not a key as `robustgan rate make` writes it; make the folder again.")
    return rows
