"""Which images are shown, and in what order: as many of each kind and label, shuffled, some of them twice.

Half of the generated ones come from searches, where the run kept those. Each mode is drawn as if it were alone, so
that a share among its images holds for the mode: an image of both modes that both draws take is shown once.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import pandas as pd

from robustgan.errors import InputError
from robustgan.rating.key import CLASSES, GENERATED_KIND, NATURAL, REAL, SEARCHED
from robustgan.shapes import Int

REPEATS = 0.1  # share of the images that are shown a second time
LATE = 1 / 3  # share of the sheet, at its end, that the second showings are in; the first are in the first half
DIGITS = 10  # of an id


class Shown(NamedTuple):
    """The sheet in the order of the rater: index into the pool, place of the first showing or -1, and mode."""

    image: Int[np.ndarray, " shown"]
    first: Int[np.ndarray, " shown"]
    mode: list[str]  # as the key has it (`KEY`)


def choose(rows: pd.DataFrame, images: int, seed: int) -> Shown:
    """Choose up to `images` of each kind, and repeats.

    Every class and magnification that has both kinds gets the same number of each; a real one comes from as many
    patients as it can.

    Raises:
        InputError: too few images, or fewer than one of each class and magnification is asked for.
    """
    rng = np.random.default_rng([seed, len(rows)])
    cells = cells_of(rows)
    share = images // len(cells)
    if not share:
        raise InputError(f"--images: found {images}, allowed is at least {len(cells)}: one of each: {named(cells)}.")
    _check_enough(rows, cells, share)
    modes = {int(one): "" for cell in cells for one in _spread(rows, cell, "", rng)[:share]}
    for cell in cells:
        modes |= _made(rows, cell, share, rng)
    unique = rng.permutation(np.array(list(modes)))
    image, first = _with_repeats(unique, rows["kind"].to_numpy(), rng)
    return Shown(image, first, [modes[int(one)] for one in image])


def cells_of(rows: pd.DataFrame) -> list[tuple[int, int]]:
    """(class, magnification) of which there are real and generated images.

    Raises:
        InputError: not for both classes.
    """
    pairs = {kind: set(zip(p["label"], p["magnification"], strict=True)) for kind, p in rows.groupby("kind")}
    cells = sorted(pairs.get(REAL, set()) & pairs.get(GENERATED_KIND, set()))
    if {label for label, _ in cells} != {0, 1}:
        raise InputError(f"rate: both classes are needed as real and as generated images; found {named(cells)}.")
    # Balanced over labels: magnifications that lack a class are left out.
    both = [cell for cell in cells if {(0, cell[1]), (1, cell[1])} <= set(cells)]
    if not both:
        raise InputError(f"rate: no magnification has both classes, real and generated; found {named(cells)}.")
    return [(int(label), int(scale)) for label, scale in both]


def named(cells: list[tuple[int, int]]) -> str:
    """Cells as people read them."""
    return ", ".join(CLASSES[label] + (f" {scale}X" if scale else "") for label, scale in cells) or "none"


def _check_enough(rows: pd.DataFrame, cells: list[tuple[int, int]], share: int) -> None:
    sizes = rows[rows["mode"] != SEARCHED].groupby(["kind", "label", "magnification"]).size()
    few = {(kind, cell): int(sizes.get((kind, *cell), 0)) for kind in (REAL, GENERATED_KIND) for cell in cells}
    (kind, cell), least = min(few.items(), key=lambda item: item[1])
    if least < share:
        raise InputError(
            f"--images: found a wish for {share} {kind} images of {named([cell])}, and the run has {least}. "
            f"Allowed is at most {least * len(cells)}."
        )


def _spread(
    rows: pd.DataFrame, cell: tuple[int, int], mode: str, rng: np.random.Generator
) -> Int[np.ndarray, " images"]:
    """Images of a cell in random order; real ones (no mode): one a patient, then a second one, and so on."""
    here = (rows["mode"] == mode) & (rows["label"] == cell[0]) & (rows["magnification"] == cell[1])
    index = rng.permutation(np.flatnonzero(here))
    turn = rows.iloc[index].groupby("group").cumcount().to_numpy() if mode == "" else np.zeros(len(index))
    return index[np.argsort(turn, kind="stable")]


def _made(rows: pd.DataFrame, cell: tuple[int, int], count: int, rng: np.random.Generator) -> dict[int, str]:
    """So many generated images of a cell with their modes: half searched, or as many as there are, then natural."""
    ids = rows["image_id"].to_numpy()
    found = {ids[one]: (int(one), SEARCHED) for one in _spread(rows, cell, SEARCHED, rng)[: count // 2]}
    for one in _spread(rows, cell, NATURAL, rng):
        if len(found) == count:
            break
        found[ids[one]] = (found[ids[one]][0], f"{NATURAL} {SEARCHED}") if ids[one] in found else (int(one), NATURAL)
    return dict(found.values())


def _with_repeats(unique: np.ndarray, kinds: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Show images of the first half again in the last third, as many real as generated ones."""
    half = unique[: len(unique) // 2]
    each = max(1, round(len(unique) * REPEATS / 2))
    again = np.concatenate([half[kinds[half] == kind][:each] for kind in (REAL, GENERATED_KIND)])
    early = len(unique) - round(len(unique) * LATE)
    late = rng.permutation(np.concatenate([unique[early:], again]))
    image = np.concatenate([unique[:early], late])
    places: dict[int, int] = {}
    first = np.array([places.setdefault(int(one), place) for place, one in enumerate(image)])
    return image, np.where(first == np.arange(len(image)), -1, first)


def ids_of(shown: Shown, image_ids: list[str], seed: int) -> list[str]:
    """One id a showing: a hash that says nothing of the image and differs for its second showing.

    A letter stands first, so that no spreadsheet takes an id for a number.
    """
    salt = hashlib.sha256("\x1f".join([str(seed), *image_ids]).encode()).digest()
    text = (f"{place} {image_ids[one]}".encode() for place, one in enumerate(shown.image))
    return ["x" + hashlib.blake2b(one, key=salt, digest_size=DIGITS // 2).hexdigest() for one in text]
