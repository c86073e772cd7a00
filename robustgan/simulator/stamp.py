"""Nuclei to pixels: dots of the right weight where they are small, with chromatin and nucleoli where they are large."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from robustgan.shapes import Bool
from robustgan.simulator.arrays import Plane, Row
from robustgan.simulator.cells import Nuclei
from robustgan.simulator.noise import texture

STEPS = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 46, 64, 90)  # half-widths of stamps, pixels


class Window(NamedTuple):
    """Which part of the field is looked at: its middle, so many pixels of so many micrometres."""

    width: int
    height: int
    grain: float  # micrometres a pixel

    def holds(self, nuclei: Nuclei) -> Bool[np.ndarray, " n"]:
        """Nuclei that can be seen."""
        margin = 1.4 * nuclei.long
        across = np.abs(nuclei.x) < self.width * self.grain / 2 + margin
        down = np.abs(nuclei.y) < self.height * self.grain / 2 + margin
        seen: Bool[np.ndarray, " n"] = across & down
        return seen


def stamp(nuclei: Nuclei, window: Window) -> tuple[Plane, Plane]:
    """Haematoxylin and eosin that the nuclei bring, a plane each."""
    size = window.width * window.height
    haematoxylin, eosin = np.zeros(size), np.zeros(size)
    for group, half in _by_size(nuclei.keep(window.holds(nuclei)), window.grain):
        owner, pixel, amount = _press(group, window, half)
        haematoxylin += np.bincount(pixel, group.haematoxylin[owner] * amount, size)
        if group.eosin.any():
            eosin += np.bincount(pixel, group.eosin[owner] * amount, size)
    shape = (window.height, window.width)
    dense = 1.7 * (1 - np.exp(-haematoxylin / 1.7))  # overlapping nuclei darken, but not without end
    return dense.reshape(shape).astype(np.float32), eosin.reshape(shape).astype(np.float32)


def _by_size(nuclei: Nuclei, grain: float) -> Iterator[tuple[Nuclei, int]]:
    reach = np.ceil(1.2 * np.hypot(nuclei.long, 0.4 * grain) / grain)
    step = np.searchsorted(STEPS, np.minimum(reach, STEPS[-1]))
    for k in np.unique(step):
        yield nuclei.keep(step == k), STEPS[k]


def _press(n: Nuclei, window: Window, half: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which nucleus touches which pixel, and how much of its dye lies there."""
    column, row = n.x / window.grain + window.width / 2, n.y / window.grain + window.height / 2
    step = np.arange(-half, half + 1, dtype=np.float32)
    j, i = np.floor(column).astype(np.int32), np.floor(row).astype(np.int32)
    dx = ((step + 0.5) - (column - j).astype(np.float32)[:, None])[:, None, :] * np.float32(window.grain)
    dy = ((step + 0.5) - (row - i).astype(np.float32)[:, None])[:, :, None] * np.float32(window.grain)
    cos, sin = np.cos(n.angle)[:, None, None], np.sin(n.angle)[:, None, None]
    long, short = np.hypot(n.long, 0.4 * window.grain), np.hypot(n.short, 0.4 * window.grain)
    u, v = (dx * cos + dy * sin) / long[:, None, None], (dy * cos - dx * sin) / short[:, None, None]
    jj, ii = j[:, None] + step.astype(np.int32), i[:, None] + step.astype(np.int32)
    seen = ((ii >= 0) & (ii < window.height))[:, :, None] & ((jj >= 0) & (jj < window.width))[:, None, :]
    owner, a, b = np.nonzero(seen & (u * u + v * v < 2.6))
    u, v, pixel = u[owner, a, b], v[owner, a, b], ii[owner, a] * window.width + jj[owner, b]
    weight = (n.long * n.short / (long * short))[owner]
    if half <= 2:  # too small to show more than its weight
        return owner, pixel, weight * np.exp(-(u * u + v * v))
    own = _own(n)[:, owner]
    edge = (1 - np.sqrt(_dented(n.dent[owner], own, u, v))) * short[owner] / max(window.grain, 0.5)
    body = _chromatin(n.keep(owner), own, u, v)
    return owner, pixel, weight * np.clip(0.5 + edge, 0, 1) * body


def _own(n: Nuclei) -> np.ndarray:
    """Four numbers in (-1, 1) that belong to each nucleus, whatever else is in view."""
    mixed = np.outer((1.0, 1.7, 2.3, 3.1), n.x.astype(np.float64) * 12.9898 + n.y * 78.233) * 43.7585
    return (2 * (mixed - np.floor(mixed)) - 1).astype(np.float32)


def _dented(dent: Row, own: np.ndarray, u: Row, v: Row) -> Row:
    """Squared radius, with an irregular membrane."""
    a, b, c, d = own
    lobes = a * (u * u - v * v) + b * 2 * u * v + c * u * (u * u - 3 * v * v) + d * v * (3 * u * u - v * v)
    squared = u * u + v * v
    bent: Row = squared * (1 + np.clip(2.2 * dent * lobes / (1 + squared), -0.6, 0.9))
    return bent


def _chromatin(n: Nuclei, own: np.ndarray, u: Row, v: Row) -> Row:
    """Density inside a nucleus: pale middle, clumps, nucleolus."""
    a, b, c, _ = own
    body = 1 - np.minimum(n.pale, 0.9) * np.exp(-(u * u + v * v) / 0.45)
    clumps = texture(u * n.long / 2.6 + 16 * a, v * n.short / 2.6 + 16 * b)
    body = body * (1 + n.coarse * clumps)
    spot = np.exp(-((u - 0.35 * b) ** 2 + (v - 0.35 * c) ** 2) / 0.05)
    dense: Row = np.maximum(body + n.nucleolus * spot, 0.05)
    return dense
