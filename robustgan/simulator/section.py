"""One field of a section while it is laid out: painted compartments, scattered nuclei, the run of the fibres."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from robustgan.shapes import Bool, Float, Int
from robustgan.simulator.arrays import Outlines, Points, Row
from robustgan.simulator.cells import Cell, Nuclei, together
from robustgan.simulator.noise import texture
from robustgan.simulator.patient import Patient

WIDTH = 1800.0  # micrometres across at 40X; 400X sees the middle tenth
GRAIN = 2.5  # micrometres a pixel of the painted map


class Compartment(IntEnum):
    """What a place in the tissue is made of."""

    STROMA = 0
    LINING = 1  # epithelium whose nuclei are placed one by one
    SOLID = 2  # epithelium filled with nuclei
    LUMEN = 3
    MUCIN = 4
    SECRETION = 5
    FAT = 6


class Fibres(NamedTuple):
    """How the collagen runs in a field."""

    angle: float  # main direction, radians
    sway: float  # how far bundles leave it, micrometres
    length: float  # of one sway, micrometres
    offset: Float[np.ndarray, "2"]  # where in the endless texture this field lies, in crests

    def across(self, x: Float[np.ndarray, "*s"], y: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
        """A coordinate that is constant along a fibre, micrometres."""
        u, v = self.offset
        sway = texture(x / self.length + u, y / self.length + v) + 0.3 * texture(
            x * (3 / self.length) + v, y * (3 / self.length) + u
        )
        level: Float[np.ndarray, "*s"] = y * np.cos(self.angle) - x * np.sin(self.angle) + self.sway * sway
        return level

    def direction(self, points: Points) -> Row:
        """Direction of the fibres at these places, radians."""
        x, y = points.T
        here = self.across(x, y)
        slope_x, slope_y = self.across(x + 2, y) - here, self.across(x, y + 2) - here
        angle: Row = np.arctan2(-slope_x, slope_y)
        return angle


class Section:
    """A field of tissue under construction; (0, 0) is its middle, where the strongest objective will look."""

    def __init__(self, patient: Patient, height: float, rng: np.random.Generator) -> None:
        self.patient = patient
        self.rng = rng
        self.extent = (WIDTH, height)
        self.map = Image.new("L", (round(WIDTH / GRAIN), round(height / GRAIN)), Compartment.STROMA)
        self.nuclei: list[Nuclei] = []
        self._painted: set[Compartment] = set()
        self.thickness = patient.thickness * float(np.exp(rng.normal(0, 0.12)))  # scales all dye
        self.stroma = 0.75  # eosin of the matrix: myxoid stroma is pale, scar is dense
        self.fibres = Fibres(rng.uniform(0, np.pi), rng.uniform(20, 70), rng.uniform(150, 400), rng.uniform(0, 32, 2))

    def paint(self, curves: Outlines, compartment: Compartment) -> None:
        """Fill curves with a compartment, over what was there."""
        if not len(curves):
            return
        self._painted.add(compartment)
        brush = ImageDraw.Draw(self.map)
        shift = np.asarray(self.map.size) / 2
        for corners in (curves / GRAIN + shift).reshape(len(curves), 2 * curves.shape[1]).tolist():
            brush.polygon(corners, fill=int(compartment))

    def at(self, points: Points) -> Int[np.ndarray, " n"]:
        """Compartment at each place; stroma outside the field."""
        seen = np.asarray(self.map)
        column, row = (np.floor(points / GRAIN) + np.asarray(self.map.size) // 2).astype(int).T
        inside = self.inside(points)
        found = np.zeros(len(points), int)
        found[inside] = seen[np.clip(row, 0, seen.shape[0] - 1), np.clip(column, 0, seen.shape[1] - 1)][inside]
        return found

    def inside(self, points: Points, margin: float = 0.0) -> Bool[np.ndarray, " n"]:
        """Whether each place lies in the field, or at most `margin` micrometres outside."""
        found: Bool[np.ndarray, " n"] = (np.abs(points) < np.asarray(self.extent) / 2 + margin).all(1)
        return found

    def holds(self, kinds: tuple[Compartment, ...]) -> bool:
        """Whether any of these compartments was painted."""
        return not self._painted.isdisjoint(kinds)

    @property
    def population(self) -> Nuclei:
        """All nuclei."""
        return together(self.nuclei)

    def clear(self) -> None:
        """Take away nuclei that a later structure left hanging in an empty space."""
        everyone = self.population
        there = self.at(np.stack([everyone.x, everyone.y], -1))
        self.nuclei = [everyone.keep((there != Compartment.LUMEN) & (there != Compartment.FAT))]

    def add(self, points: Points, angle: Row, cell: Cell) -> None:
        """Put one nucleus of this kind at each place."""
        sized = cell._replace(radius=cell.radius * self.patient.size)
        self.nuclei.append(Nuclei.of(self.rng, points, angle, sized))
