"""Walks from benign to malignant: one latent vector, only the label changes, a little at a time.

Where the victim changes its mind and where the oracles do says how far apart their boundaries are, in a direction that
the generator, not an attacker, chose. A victim that flips long before or after the oracles is wrong in between.

Source:
    Radford, Metz, Chintala, ICLR 2016, section 6 (walking in the latent space); here it is the label that walks.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from robustgan.batches import Room
from robustgan.draws import normal, seed_of
from robustgan.gan.cells import LABELS, Cell, cell_name
from robustgan.gan.conditional import Gan
from robustgan.gan.forgery import Jury, scores
from robustgan.gan.painting import paint
from robustgan.gan.sheet import Row, write_sheet
from robustgan.operating import HALF, threshold_of
from robustgan.tensors import Bytes, Scores

STARTS = 3  # latent vectors a magnification
STEPS = 9  # places on a walk, both ends among them
VICTIM, ORACLES = (200, 30, 30), (30, 80, 200)  # colours of the places where they flip
TITLE = "P(malignant): victim / oracles. Red bar, above: the victim flips here. Blue bar, below: the oracles flip here."


class Walk(NamedTuple):
    """One walk, and what victim and oracles (on average) say of every image of it."""

    start: int
    ends: tuple[Cell, Cell]
    images: Bytes
    victim: Scores  # P(malignant)
    oracles: Scores
    threshold: float  # from which the victim calls an image malignant; the oracles are not placed


def walks(gan: Gan, jury: Jury, seed: int, room: Room) -> list[Walk]:
    """Walk from the first benign to the first malignant label of every magnification that has both."""
    labels, boundary = gan.labels(), threshold_of(jury.victim)
    found = []
    for magnification in sorted({cell.magnification for cell in labels}):
        ends = [[i for i, cell in enumerate(labels) if cell[:2] == (c, magnification)][:1] for c in (0, 1)]
        if [] in ends:
            continue
        (first,), (last,) = ends
        for start in range(STARTS):
            images = along(gan, first, last, seed_of("label walk", seed, start), room)
            oracles = torch.stack([scores(oracle, images, room) for oracle in jury.oracles]).mean(0)
            cells = labels[first], labels[last]
            found.append(Walk(start, cells, images, scores(jury.victim, images, room), oracles, boundary))
    return found


def along(gan: Gan, first: int, last: int, seed: int, room: Room) -> Bytes:
    """Images of one latent vector, from one label to another."""
    device = gan.cells.device
    place = torch.linspace(0, 1, STEPS, device=device)
    blend = torch.zeros(STEPS, LABELS, device=device)
    blend[:, first], blend[:, last] = 1 - place, place
    z = normal([seed], (gan.generator.latent,), device).expand(STEPS, -1)
    return paint(gan, z, blend, room.batch)


def flips(score: Scores, threshold: float = HALF) -> list[bool]:
    """Whether an image is called otherwise than the one before it."""
    called = score >= threshold
    return [False, *(called[1:] != called[:-1]).tolist()]


def table(found: list[Walk]) -> pd.DataFrame:
    """One row an image."""
    frames = [
        pd.DataFrame(
            {
                "start": walk.start,
                "magnification": walk.ends[0].magnification,
                "benign": cell_name(walk.ends[0]),
                "malignant": cell_name(walk.ends[1]),
                "position": np.linspace(0, 1, STEPS),
                "victim": walk.victim.cpu().numpy(),
                "oracle_mean": walk.oracles.cpu().numpy(),
                "victim_flips": flips(walk.victim, walk.threshold),
                "oracles_flip": flips(walk.oracles),
            }
        )
        for walk in found
    ]
    return pd.concat(frames, ignore_index=True)


def sheet(found: list[Walk]) -> list[Row]:
    """One row a walk, a bar before every image where somebody flips."""
    rows = []
    for walk in found:
        captions = [f"{v:.2f} / {o:.2f}" for v, o in zip(walk.victim.tolist(), walk.oracles.tolist(), strict=True)]
        both = zip(flips(walk.victim, walk.threshold), flips(walk.oracles), strict=True)
        bars = [(VICTIM if v else None, ORACLES if o else None) for v, o in both]
        rows.append(Row(f"{cell_name(walk.ends[0])} to {cell_name(walk.ends[1])}", walk.images, captions, bars))
    return rows


def write_walks(found: list[Walk], folder: Path) -> None:
    """Write `walk.csv` and `walk.png`; nothing where no magnification has both classes."""
    if found:
        table(found).to_csv(folder / "walk.csv", index=False, float_format="%.6g", lineterminator="\n")
        write_sheet(sheet(found), folder / "walk.png", TITLE)
