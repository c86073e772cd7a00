"""Array shapes, written once; NumPy only."""

import numpy as np

from robustgan.shapes import Float, UInt8

Points = Float[np.ndarray, "n 2"]  # x, y in micrometres from the middle of the field
Row = Float[np.ndarray, " n"]
Outlines = Float[np.ndarray, "n t 2"]  # n closed curves of t points each
Places = Float[np.ndarray, "..."]  # one coordinate of places in any arrangement
Plane = Float[np.ndarray, "h w"]
Pixels = UInt8[np.ndarray, "h w 3"]
Vector = Float[np.ndarray, "3"]  # red, green, blue

__all__ = ["Outlines", "Pixels", "Places", "Plane", "Points", "Row", "Vector"]
