"""Nuclei, and other things as small: what a kind of cell looks like, and populations of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robustgan.simulator.arrays import Points, Row


class Cell(NamedTuple):
    """A kind of cell: its typical nucleus and how much nuclei differ."""

    radius: float  # micrometres
    spread: float = 0.1  # of the radius, log scale: pleomorphism
    aspect: float = 1.25  # long over short axis
    haematoxylin: float = 1.0
    eosin: float = 0.12
    coarse: float = 0.15  # clumping of the chromatin
    pale: float = 0.15  # how empty the middle looks (vesicular)
    nucleolus: float = 0.0
    dent: float = 0.06  # irregularity of the membrane


LUMINAL = Cell(3.3, 0.09, 1.35, 1.0)
MYOEPITHELIAL = Cell(2.7, 0.12, 2.1, 1.15, coarse=0.1, pale=0.0)
FIBROBLAST = Cell(2.6, 0.2, 4.0, 0.9, coarse=0.1, pale=0.0)
LYMPHOCYTE = Cell(2.6, 0.07, 1.05, 1.4, coarse=0.2, pale=0.0, dent=0.02)
RED = Cell(3.2, 0.06, 1.1, 0.0, 0.85, coarse=0.0, pale=0.35, dent=0.03)
CYTOPLASM = Cell(7.0, 0.12, 1.2, 0.14, 0.2, coarse=0.1, pale=0.0)


class Nuclei(NamedTuple):
    """A population, one entry a nucleus."""

    x: Row  # micrometres from the middle of the field
    y: Row
    long: Row  # half-axes, micrometres
    short: Row
    angle: Row  # of the long axis, radians
    haematoxylin: Row
    eosin: Row
    coarse: Row
    pale: Row
    nucleolus: Row
    dent: Row

    @classmethod
    def of(cls, rng: np.random.Generator, points: Points, angle: Row, cell: Cell) -> Nuclei:
        """One nucleus of this kind a place."""
        n = len(points)
        radius = cell.radius * np.exp(cell.spread * rng.standard_normal(n))
        aspect = 1 + (cell.aspect - 1) * np.exp(rng.normal(0, 0.35, n))
        tone = np.exp(rng.normal(0, 0.12 + 0.5 * cell.spread, n))  # the knife cuts some nuclei near their edge
        full = np.ones(n)
        columns = (
            *(points[:, 0], points[:, 1]),
            *(radius * np.sqrt(aspect), radius / np.sqrt(aspect), angle),
            *(cell.haematoxylin * tone, cell.eosin * tone),
            *(cell.coarse * full, cell.pale * rng.uniform(0.4, 1.6, n)),
            *(cell.nucleolus * (rng.random(n) < 0.7), cell.dent * full),
        )
        return cls(*(column.astype(np.float32) for column in columns))

    def keep(self, mask: np.ndarray) -> Nuclei:
        """Only the nuclei where `mask` is true."""
        return Nuclei(*(column[mask] for column in self))


def together(populations: list[Nuclei]) -> Nuclei:
    """All of them as one population."""
    return Nuclei(*(np.concatenate(columns) for columns in zip(*populations, strict=True)))
