"""Colour: how much dye lies on each pixel becomes red, green and blue by the Beer-Lambert law.

Source: Ruifrok and Johnston, Quantification of histochemical staining by color deconvolution, Anal. Quant. Cytol.
Histol. 23(4), 2001: the directions of haematoxylin and eosin in optical density.
"""

from typing import NamedTuple

import numpy as np

from robustgan.shapes import Float
from robustgan.simulator.arrays import Plane, Vector

HAEMATOXYLIN = (0.650, 0.704, 0.286)
EOSIN = (0.072, 0.990, 0.105)


class Stain(NamedTuple):
    """The dyes of one patient's slide."""

    haematoxylin: Vector  # unit direction in optical density
    eosin: Vector
    strength: Float[np.ndarray, "2"]  # optical density of one unit of either dye
    glass: Vector  # colour of the empty slide under the lamp, in [0, 1]


def draw_stain(rng: np.random.Generator) -> Stain:
    """Mix the dyes as one laboratory did on one day."""
    strength = np.exp(rng.normal((-0.42, -0.75), (0.14, 0.18)))
    glass = np.clip(0.91 + 0.03 * rng.standard_normal() + rng.normal(0, 0.02, 3), 0.78, 0.99)
    return Stain(_turned(HAEMATOXYLIN, rng, 0.05), _turned(EOSIN, rng, 0.045), strength, glass)


def _turned(direction: tuple[float, float, float], rng: np.random.Generator, spread: float) -> Vector:
    vector = np.maximum(np.asarray(direction) + rng.normal(0, spread, 3), 0.02)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


def transmit(stain: Stain, haematoxylin: Plane, eosin: Plane) -> Float[np.ndarray, "h w 3"]:
    """Light that passes the section: glass x 10^-(optical density), in [0, 1]."""
    dyes = np.stack([haematoxylin, eosin], -1)
    mixing = (stain.strength[:, None] * np.stack([stain.haematoxylin, stain.eosin])).astype(np.float32)
    light: Float[np.ndarray, "h w 3"] = stain.glass.astype(np.float32) * np.power(np.float32(10), -(dyes @ mixing))
    return light
