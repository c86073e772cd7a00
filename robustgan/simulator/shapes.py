"""Closed curves: rounded, wavy, stretched, bent; many at once, in micrometres."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from robustgan.simulator.arrays import Outlines, Points, Row

WAVES = np.arange(2, 7)


class Blobs(NamedTuple):
    """Curves round a centre."""

    centre: Points
    radius: Row  # of the circle with about the same area, micrometres
    stretch: Row  # long over short axis
    turn: Row  # direction of the long axis, radians
    bend: Row  # how far the ends leave the long axis, in long half-axes
    swing: Float[np.ndarray, "n k"]  # amplitudes of 2..6 waves round the curve, in radii
    phase: Float[np.ndarray, "n k"]

    def __len__(self) -> int:
        """Number of curves."""
        return len(self.radius)


class Form(NamedTuple):
    """What the curves of one population look like."""

    spread: float = 0.15  # of the radius, log scale
    stretch: tuple[float, float] = (1.0, 1.4)
    bend: float = 0.0
    swing: float = 0.03


def blobs(rng: np.random.Generator, centre: Points, radius: float, form: Form) -> Blobs:
    """Draw one curve a centre."""
    n = len(centre)
    swing = rng.normal(0, form.swing, (n, len(WAVES))) * (2 / WAVES)
    return Blobs(
        centre,
        radius * np.exp(form.spread * rng.standard_normal(n)),
        rng.uniform(*form.stretch, n),
        rng.uniform(0, np.pi, n),
        rng.normal(0, form.bend, n) if form.bend else np.zeros(n),
        swing,
        rng.uniform(0, 2 * np.pi, (n, len(WAVES))),
    )


def outline(shapes: Blobs, points: int = 40, inset: float | Row = 0.0) -> Outlines:
    """Corner points of every curve, drawn `inset` micrometres inside it."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    wave = np.cos(WAVES[None, :, None] * angle + shapes.phase[:, :, None])
    radius = shapes.radius[:, None] * (1 + (shapes.swing[:, :, None] * wave).sum(1))
    long = np.sqrt(shapes.stretch)[:, None]
    x, y = radius * long * np.cos(angle), radius / long * np.sin(angle)
    y = y + shapes.bend[:, None] * x**2 / (shapes.radius[:, None] * long)
    cos, sin = np.cos(shapes.turn)[:, None], np.sin(shapes.turn)[:, None]
    curve = np.stack([x * cos - y * sin, x * sin + y * cos], -1) + shapes.centre[:, None]
    inner: Outlines = curve - np.reshape(inset, (-1, 1, 1)) * normals(curve)
    return inner


def normals(curve: Outlines) -> Outlines:
    """Unit vectors that point out of the curves."""
    along = np.roll(curve, -1, 1) - np.roll(curve, 1, 1)
    along /= np.linalg.norm(along, axis=-1, keepdims=True) + 1e-9
    return np.stack([along[..., 1], -along[..., 0]], -1)


class Ring(NamedTuple):
    """Places along curves."""

    points: Points
    angle: Row  # direction of the curve there, radians
    owner: Int[np.ndarray, " n"]  # which curve


def walk(curve: Outlines, spacing: float, rng: np.random.Generator) -> Ring:
    """Places every `spacing` micrometres along closed curves, a little irregular."""
    if not len(curve):
        return Ring(np.zeros((0, 2)), np.zeros(0), np.zeros(0, int))
    closed = np.concatenate([curve, curve[:, :1]], 1)
    length = np.linalg.norm(np.diff(closed, axis=1), axis=-1)
    reach = np.concatenate([np.zeros((len(curve), 1)), length.cumsum(1)], 1)
    count = np.maximum(3, np.round(reach[:, -1] / spacing)).astype(int)
    owner = np.repeat(np.arange(len(curve)), count)
    step = np.arange(len(owner)) - np.repeat(count.cumsum() - count, count)
    share = (step + 0.5 + rng.uniform(-0.28, 0.28, len(owner))) / count[owner]
    # all curves laid end to end, so that one interpolation serves them all
    start = np.concatenate([[0.0], (reach[:, -1] + 1.0).cumsum()[:-1]])
    line, at = (reach + start[:, None]).ravel(), share * reach[owner, -1] + start[owner]
    points = np.stack([np.interp(at, line, closed[..., k].ravel()) for k in (0, 1)], -1)
    ahead = np.stack([np.interp(at + 0.5, line, closed[..., k].ravel()) for k in (0, 1)], -1) - points
    return Ring(points, np.arctan2(ahead[:, 1], ahead[:, 0]), owner)


def lattice(rng: np.random.Generator, extent: tuple[float, float], spacing: float, jitter: float) -> Points:
    """Points of a hexagonal lattice over a field, each moved by up to `jitter` spacings; one stays close to the middle.

    (A pathologist who turns to the strongest objective has put something worth seeing there.)
    """
    rows, columns = (
        int(np.ceil(side / 2 / (spacing * f))) + 1 for side, f in zip(extent[::-1], (0.866, 1), strict=True)
    )
    row, column = np.meshgrid(np.arange(-rows, rows + 1), np.arange(-columns, columns + 1), indexing="ij")
    grid = np.stack([(column + 0.5 * (row % 2)).ravel(), 0.866 * row.ravel()], -1) * spacing
    moves = rng.uniform(-jitter, jitter, grid.shape) * spacing
    moves[len(grid) // 2] *= 0.4
    return grid + moves
