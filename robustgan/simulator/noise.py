"""Smooth random texture that belongs to the place, not to the picture: the same at every magnification."""

import functools

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter, map_coordinates

SIDE = 256  # texels of the tile
WAVE = 8.0  # texels between two crests, roughly


def stream(seed: int, *key: int) -> np.random.Generator:
    """The random numbers of one thing (a patient, a field, an image), independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@functools.cache
def _tile() -> Float[np.ndarray, "s s"]:
    white = stream(0, 0x71E).standard_normal((SIDE, SIDE))
    smooth = gaussian_filter(white, WAVE / 5, mode="wrap")
    return (smooth / smooth.std()).astype(np.float32)


def texture(u: Float[np.ndarray, "..."], v: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Look the texture up at (u, v), in crests; mean 0, variance about 1, repeats every 32 crests."""
    places = np.broadcast_arrays(v * WAVE, u * WAVE)
    return map_coordinates(_tile(), places, order=1, mode="grid-wrap", prefilter=False)
