"""Smooth random texture that belongs to the place, not to the picture: the same at every magnification."""

import functools

import numpy as np
from scipy.ndimage import gaussian_filter

from robustgan.shapes import Float
from robustgan.simulator.arrays import Places

SIDE = 256  # texels of the tile, a power of two
WAVE = 8.0  # texels between two crests, roughly


def stream(seed: int, *key: int) -> np.random.Generator:
    """The random numbers of one thing (a patient, a field, an image), independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@functools.cache
def _tile() -> Float[np.ndarray, " s"]:
    white = stream(0, 0x71E).standard_normal((SIDE, SIDE))
    smooth = gaussian_filter(white, WAVE / 5, mode="wrap")
    tile: Float[np.ndarray, " s"] = (smooth / smooth.std()).astype(np.float32).ravel()
    return tile


def texture(u: Places, v: Places) -> Places:
    """Look the texture up at (u, v), in crests; mean 0, variance about 1, repeats every 32 crests.

    Bilinear; written out because it takes most of a picture's time, and scipy's general look-up is six times slower.
    """
    u, v = u * WAVE, v * WAVE
    column, row = np.floor(u), np.floor(v)
    right, down = (u - column).astype(np.float32), (v - row).astype(np.float32)
    left, top = column.astype(np.int32) & (SIDE - 1), row.astype(np.int32) & (SIDE - 1)
    after, below = (left + 1) & (SIDE - 1), ((top + 1) & (SIDE - 1)) * SIDE
    top = top * SIDE
    tile = _tile()
    upper, lower = tile.take(top + left), tile.take(below + left)
    upper = upper + right * (tile.take(top + after) - upper)
    lower = lower + right * (tile.take(below + after) - lower)
    between: Places = upper + down * (lower - upper)
    return between
