"""What the labels of a GAN mean: class and magnification, and where it was asked for the histological subtype."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from robustgan.errors import InputError

LABELS = 64  # places in the label tables
LETTERS = 48  # bytes of the name of a subtype, which stands among the weights


class Cell(NamedTuple):
    """The meaning of one label."""

    label: int  # 0 benign, 1 malignant
    magnification: int  # 0 where unknown
    subtype: str = ""  # empty where labels are classes


def cell_name(cell: Cell) -> str:
    """What people read for a label."""
    scale = f"{cell.magnification}X" if cell.magnification else ""
    words = "malignant" if cell.label else "benign", cell.subtype.replace("_", " "), scale
    return " ".join(word for word in words if word)


def cells_of(rows: pd.DataFrame, subtypes: bool) -> list[Cell]:
    """The cell of every row of a MANIFEST table."""
    names = rows["subtype"] if subtypes else [""] * len(rows)
    parts = zip(rows["label"], rows["magnification"], names, strict=True)
    return [Cell(int(label), int(magnification), str(name)) for label, magnification, name in parts]


def labels_for(rows: pd.DataFrame, subtypes: bool) -> list[Cell]:
    """One label for every cell that occurs.

    Raises:
        InputError: there are more than the tables hold, an image has no subtype, a subtype has two classes, or its name
            is too long to be kept.
    """
    cells = cells_of(rows, subtypes)
    found = sorted(set(cells))
    if subtypes:
        check_subtypes(cells, found)
    if len(found) > LABELS:
        kind = "subtype" if subtypes else "class"
        hint = "Set `labels: class`, or leave" if subtypes else "Leave"
        raise InputError(
            f"dcgan: labels: found {len(found)} pairs of {kind} and magnification, allowed are {LABELS}. "
            f"{hint} some magnifications out."
        )
    return found


def check_subtypes(cells: list[Cell], found: list[Cell]) -> None:
    """Refuse subtypes that cannot be labels."""
    unknown = sum(not cell.subtype for cell in cells)
    if unknown:
        raise InputError(
            f"dcgan: labels: found `subtype`, but {unknown} of {len(cells)} training images have none. "
            "Set `labels: class`, or give every image of the data set its subtype."
        )
    classes = {(cell.subtype, cell.label) for cell in found}
    both = sorted(name for name, label in classes if label and (name, 0) in classes)
    if both:
        raise InputError(
            f"dcgan: labels: found `subtype`, but these subtypes are both benign and malignant: {', '.join(both)}. "
            "A subtype must have one class: rename them, or set `labels: class`."
        )
    long = [name for name, _ in sorted(classes) if len(name.encode()) > LETTERS]
    if long:
        raise InputError(f"dcgan: labels: the name of subtype `{long[0]}` is longer than {LETTERS} bytes. Shorten it.")


def written(found: list[Cell]) -> tuple[Tensor, Tensor]:
    """The cells as numbers, for a file of weights: (class, magnification), -1 unused; letters of the subtype."""
    numbers = torch.full((LABELS, 2), -1)
    letters = torch.zeros(LABELS, LETTERS, dtype=torch.uint8)
    for i, cell in enumerate(found):
        numbers[i] = torch.tensor(cell[:2])
        name = cell.subtype.encode()
        letters[i, : len(name)] = torch.tensor(list(name), dtype=torch.uint8)
    return numbers, letters


def read(numbers: Tensor, letters: Tensor) -> list[Cell]:
    """The cells that `written` wrote."""
    pairs = zip(numbers.tolist(), letters.tolist(), strict=True)
    return [Cell(c, m, bytes(name).rstrip(b"\0").decode()) for (c, m), name in pairs if c >= 0]
