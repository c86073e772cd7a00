"""Nuclei to pixels: as dots of the right weight where they are small, with chromatin and nucleoli where they are large."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from robustgan.simulator.arrays import Plane
from robustgan.simulator.cells import Nuclei
from robustgan.simulator.noise import texture

STEPS = (1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 46, 64, 90)  # half-widths of stamps, pixels


class Window(NamedTuple):
    """Which part of the field is looked at: its middle, so many pixels of so many micrometres."""

    width: int
    height: int
    grain: float  # micrometres a pixel

    def holds(self, nuclei: Nuclei) -> np.ndarray:
        """Nuclei that can be seen."""
        margin = 1.4 * nuclei.long
        across = np.abs(nuclei.x) < self.width * self.grain / 2 + margin
        return across & (np.abs(nuclei.y) < self.height * self.grain / 2 + margin)


def stamp(nuclei: Nuclei, window: Window) -> tuple[Plane, Plane]:
    """Haematoxylin and eosin that the nuclei bring, a plane each."""
    size = window.width * window.height
    planes = [np.zeros(size), np.zeros(size)]
    for group, half in _by_size(nuclei.keep(window.holds(nuclei)), window.grain):
        where, cover, body = _press(group, window, half)
        for plane, dye in zip(planes, (group.haematoxylin, group.eosin), strict=True):
            if dye.any():
                weights = (dye[:, None, None] * cover * body).ravel()
                plane += np.bincount(where, weights, size + 1)[:size]
    haematoxylin, eosin = (p.reshape(window.height, window.width).astype(np.float32) for p in planes)
    return 1.9 * (1 - np.exp(-haematoxylin / 1.9)), eosin  # overlapping nuclei darken, but not without end


def _by_size(nuclei: Nuclei, grain: float) -> Iterator[tuple[Nuclei, int]]:
    reach = np.ceil(1.2 * np.hypot(nuclei.long, 0.5 * grain) / grain + 0.5)
    step = np.searchsorted(STEPS, np.minimum(reach, STEPS[-1]))
    for k in np.unique(step):
        yield nuclei.keep(step == k), STEPS[k]


def _press(n: Nuclei, window: Window, half: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels that each nucleus may touch, how much of each it covers, and how dense it is there."""
    column, row = n.x / window.grain + window.width / 2, n.y / window.grain + window.height / 2
    step = np.arange(-half, half + 1, dtype=np.float32)
    j, i = np.floor(column).astype(int), np.floor(row).astype(int)
    dx = ((step + 0.5) - (column - j)[:, None])[:, None, :] * np.float32(window.grain)
    dy = ((step + 0.5) - (row - i)[:, None])[:, :, None] * np.float32(window.grain)
    cos, sin = np.cos(n.angle)[:, None, None], np.sin(n.angle)[:, None, None]
    long, short = (np.hypot(axis, 0.45 * window.grain)[:, None, None] for axis in (n.long, n.short))
    u, v = (dx * cos + dy * sin) / long, (dy * cos - dx * sin) / short
    jj, ii = j[:, None] + step.astype(int), i[:, None] + step.astype(int)
    seen = ((ii >= 0) & (ii < window.height))[:, :, None] & ((jj >= 0) & (jj < window.width))[:, None, :]
    where = np.where(seen, ii[:, :, None] * window.width + jj[:, None, :], window.width * window.height).ravel()
    weight = (n.long * n.short)[:, None, None] / (long * short)
    if half <= 2:  # too small to show more than its weight
        return where, weight * np.exp(-(u * u + v * v)), np.ones_like(weight)
    edge = np.clip(0.5 + (1 - np.sqrt(_dented(n, u, v))) * (short / max(window.grain, 0.5)), 0, 1)
    return where, weight * edge, _chromatin(n, u, v, dx, dy)


def _own(n: Nuclei) -> np.ndarray:
    """Four numbers in (-1, 1) that belong to each nucleus, whatever else is in view."""
    mixed = np.outer(n.x * 12.9898 + n.y * 78.233, (1.0, 1.7, 2.3, 3.1)) * 43.7585
    return (2 * (mixed - np.floor(mixed)) - 1)[:, :, None, None].astype(np.float32)


def _dented(n: Nuclei, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Squared radius, with an irregular membrane."""
    a, b, c, d = _own(n).swapaxes(0, 1)
    lobes = a * (u * u - v * v) + b * 2 * u * v + c * u * (u * u - 3 * v * v) + d * v * (3 * u * u - v * v)
    squared = u * u + v * v
    return squared * (1 + np.clip(3.6 * n.dent[:, None, None] * lobes / (1 + squared), -0.6, 0.9))


def _chromatin(n: Nuclei, u: np.ndarray, v: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Density inside a nucleus: pale middle, clumps, nucleolus."""
    a, b, c, _ = _own(n).swapaxes(0, 1)
    body = 1 - np.minimum(n.pale, 0.9)[:, None, None] * np.exp(-(u * u + v * v) / 0.45)
    clumps = texture((dx + 40 * a) / 2.6, (dy + 40 * b) / 2.6)
    body = body * (1 + n.coarse[:, None, None] * clumps)
    spot = np.exp(-((u - 0.35 * b) ** 2 + (v - 0.35 * c) ** 2) / 0.05)
    return np.maximum(body + n.nucleolus[:, None, None] * spot, 0.05)
