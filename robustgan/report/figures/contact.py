"""A contact sheet under a title, as one panel: many generators side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from robustgan.report.figures.style import DPI, INK, LOST, WIDTH

TITLE = 0.3  # inches


def draw(sheet: Path, title: str, good: bool) -> Figure:
    """Draw the sheet as wide as a panel; the title is in the colour of loss where the verdict is bad."""
    with Image.open(sheet) as image:
        pixels = np.asarray(image.convert("RGB"))
    tall = WIDTH * pixels.shape[0] / pixels.shape[1]
    figure = Figure(figsize=(WIDTH, tall + TITLE), dpi=DPI / 2)  # a dozen of them in a page: as fine as they are shown
    figure.text(
        0.01, 1 - 0.3 * TITLE / (tall + TITLE), title, va="top", weight="bold", size=9, color=INK if good else LOST
    )
    axes = figure.add_axes((0, 0, 1, tall / (tall + TITLE)))
    axes.imshow(pixels, interpolation="antialiased", aspect="auto")
    axes.set_axis_off()
    return figure
