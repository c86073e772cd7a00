"""Building blocks of breast tissue: glands, nests, leaves, single files, stroma, fat, vessels."""

import numpy as np

from robustgan.simulator.arrays import Points
from robustgan.simulator.cells import CYTOPLASM, FIBROBLAST, LUMINAL, LYMPHOCYTE, MYOEPITHELIAL, RED, Cell
from robustgan.simulator.section import Compartment, Section
from robustgan.simulator.shapes import Blobs, Form, blobs, lattice, outline, walk


def glands(section: Section, shapes: Blobs, layer: float = 12.0, cell: Cell = LUMINAL) -> None:
    """Regular glands: an open lumen, one row of luminal cells, one of flat myoepithelial cells. The benign pattern."""
    section.paint(outline(shapes), Compartment.LINING)
    room = np.clip(shapes.radius / np.sqrt(shapes.stretch), 3.0, None)
    filled = section.rng.random(len(shapes)) < 0.12
    lumen = outline(shapes, inset=np.minimum(layer, 0.75 * room))
    section.paint(lumen[~filled], Compartment.LUMEN)
    section.paint(lumen[filled], Compartment.SECRETION)
    row(section, shapes, np.minimum(layer * 0.6, 0.5 * room), 7.5, cell, upright=True)
    row(section, shapes, np.full(len(shapes), 2.0), 10.5, MYOEPITHELIAL, upright=False)


def row(section: Section, shapes: Blobs, inset: np.ndarray, spacing: float, cell: Cell, upright: bool) -> None:
    """One row of nuclei along the inside of curves, standing on them or lying along them."""
    rng = section.rng
    ring = walk(outline(shapes, inset=inset), spacing / section.patient.crowding, rng)
    points = ring.points + rng.normal(0, 0.5 + 3 * cell.spread, ring.points.shape)
    angle = ring.angle + (np.pi / 2 if upright else 0.0) + rng.normal(0, 0.15 + cell.spread, len(points))
    uncut = section.at(points) == Compartment.LINING  # where no other curve was painted over this one
    section.add(points[uncut], angle[uncut], cell)


def nests(section: Section, shapes: Blobs) -> None:
    """Solid islands of cells without a lumen; `fill` puts the nuclei in."""
    section.paint(outline(shapes), Compartment.SOLID)


def holes(section: Section, spacing: float, radius: float, share: float, kind: Compartment) -> None:
    """Punch round holes into solid islands (cribriform growth, necrosis)."""
    rng = section.rng
    centre = lattice(rng, section.extent, spacing, 0.3)
    centre = centre[(section.at(centre) == Compartment.SOLID) & (rng.random(len(centre)) < share)]
    section.paint(outline(blobs(rng, centre, radius, Form(0.3, (1, 1.6), 0.0, 0.08)), 20), kind)


def leaves(section: Section, shapes: Blobs, layer: float, cell: Cell, rows: int) -> None:
    """Fronds: a core of stroma under `rows` rows of epithelium; one row stands on myoepithelial cells (benign)."""
    section.paint(outline(shapes), Compartment.LINING)
    depth = np.minimum(layer, 0.75 * shapes.radius / np.sqrt(shapes.stretch))
    section.paint(outline(shapes, inset=depth), Compartment.STROMA)
    for level in range(rows):
        row(section, shapes, depth * (level + 0.45) / rows, 2.1 * cell.radius, cell, upright=True)
    if rows == 1:
        row(section, shapes, depth - 2.0, 11.0, MYOEPITHELIAL, upright=False)


def fill(section: Section, kind: Compartment, spacing: float, cell: Cell, share: float = 1.0) -> None:
    """Fill a compartment with nuclei in no order."""
    rng = section.rng
    points = lattice(rng, section.extent, spacing / section.patient.crowding, 0.28)
    points = points[(section.at(points) == kind) & section.inside(points) & (rng.random(len(points)) < share)]
    section.add(points, rng.uniform(0, np.pi, len(points)), cell)


def files(section: Section, starts: Points, steps: int, cell: Cell) -> None:
    """Single files of cells between the collagen fibres, each cell behind the last."""
    rng = section.rng
    at, gap = starts, 2.5 * cell.radius
    heading = section.fibres.direction(at) + np.pi * rng.integers(0, 2, len(at))
    last = rng.integers(2, steps + 1, len(at))
    for step in range(steps):
        alive = (last > step) & section.inside(at, 10.0) & (section.at(at) == Compartment.STROMA)
        section.add(at[alive], heading[alive], CYTOPLASM)
        section.add(at[alive], heading[alive] + rng.normal(0, 0.35, int(alive.sum())), cell)
        fibre = section.fibres.direction(at)
        fibre = fibre + np.pi * (np.cos(fibre - heading) < 0)  # go on, do not turn back
        heading = fibre + rng.normal(0, 0.12, len(at))
        at = at + gap * rng.uniform(0.8, 1.15, (len(at), 1)) * np.stack([np.cos(heading), np.sin(heading)], -1)


def stroma(section: Section, spacing: float, cell: Cell = FIBROBLAST) -> None:
    """Spindle cells along the fibres, and the lymphocytes that this patient has among them."""
    rng, patient = section.rng, section.patient
    points = lattice(rng, section.extent, spacing / patient.crowding, 0.45)
    points = points[(section.at(points) == Compartment.STROMA) & section.inside(points, 5.0)]
    immune = rng.random(len(points)) < patient.inflamed
    angle = section.fibres.direction(points) + rng.normal(0, 0.25, len(points))
    section.add(points[~immune], angle[~immune], cell)
    section.add(points[immune], angle[immune], LYMPHOCYTE)


def infiltrate(section: Section, count: int) -> None:
    """Clusters of lymphocytes."""
    rng = section.rng
    for centre in rng.uniform(-0.5, 0.5, (count, 2)) * section.extent:
        points = centre + rng.normal(0, rng.uniform(15, 40), (rng.integers(30, 120), 2))
        points = points[section.at(points) == Compartment.STROMA]
        section.add(points, np.zeros(len(points)), LYMPHOCYTE)


def fat(section: Section) -> None:
    """A lobule of fat that comes in from one side of the field."""
    rng = section.rng
    cells = lattice(rng, section.extent, rng.uniform(48, 62), 0.12)
    side = rng.uniform(0, 2 * np.pi)
    depth = cells @ np.array([np.cos(side), np.sin(side)]) / (np.asarray(section.extent).mean() / 2)
    cells = cells[depth + 0.1 * np.sin(cells[:, 0] / 90) > rng.uniform(0.35, 0.9)]
    section.paint(outline(blobs(rng, cells, 25, Form(0.08, (1, 1.25), 0.0, 0.02)), 20), Compartment.FAT)


def vessels(section: Section, count: int) -> None:
    """Small vessels, round or cut along."""
    rng = section.rng
    centre = rng.uniform(-0.5, 0.5, (count, 2)) * section.extent
    shapes = blobs(rng, centre, 14, Form(0.4, (1, 3), 0.1, 0.05))
    section.paint(outline(shapes, 20), Compartment.LUMEN)
    wall = walk(outline(shapes, 20, -2.0), 16, rng)
    section.add(wall.points, wall.angle, FIBROBLAST)


def blood(section: Section, count: int) -> None:
    """Red cells, in vessels and where the knife spilled them."""
    rng = section.rng
    centre = rng.uniform(-0.5, 0.5, (count, 2)) * section.extent
    points = np.repeat(centre, 25, 0) + rng.normal(0, 12, (25 * count, 2))
    section.add(points, np.zeros(len(points)), RED)
