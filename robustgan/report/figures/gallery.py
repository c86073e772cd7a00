"""Gallery: original, what was added (amplified), fooling image; with the scores of both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from robustgan.report.figures.style import CLEAN, DPI, LOST, WIDTH

SIDES = ("benign", "malignant")
TOP, ROW, SIDE, BELOW = 0.45, 1.4, 1.14, 0.22  # inches: title and heads; an example; its images; its scores
MIDDLES = tuple(WIDTH * (0.32 + 0.272 * k) for k in range(3))  # of the three images, in inches from the left


class Triplet(NamedTuple):
    """One example."""

    clean: Path
    attacked: Path
    label: int
    magnification: str
    clean_score: float
    score: float
    threshold: float = 0.5  # P(malignant) from which an image is called malignant


def gain_of(triplets: Sequence[Triplet]) -> int:
    """A whole number by which the largest change can be multiplied and still be shown around mid-grey."""
    largest = max((int(np.abs(_change(t)).max()) for t in triplets), default=0)
    return max(1, 127 // max(1, largest))


def draw(triplets: Sequence[Triplet], title: str, gain: int) -> Figure:
    """Draw a row an example; the change is shown `gain` times as strong, around mid-grey."""
    height = TOP + ROW * len(triplets)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, height))  # inches; one for all: axes cost time
    sheet.set_axis_off()
    sheet.text(0.02 * WIDTH, height - 0.08, title, va="top", weight="bold", size=10)
    for i, triplet in enumerate(triplets):
        _row(sheet, triplet, gain, height - TOP - ROW * (i + 1) + BELOW)
    for middle, head in zip(MIDDLES, ("original", f"change × {gain}", "attacked"), strict=True):
        sheet.text(middle, height - TOP + 0.04, head, ha="center", size=9)
    return figure


def _row(sheet: Axes, triplet: Triplet, gain: int, bottom: float) -> None:
    change = np.clip(127.5 + gain * _change(triplet), 0, 255).astype(np.uint8)
    for middle, pixels in zip(MIDDLES, (_pixels(triplet.clean), change, _pixels(triplet.attacked)), strict=True):
        extent = (middle - SIDE / 2, middle + SIDE / 2, bottom, bottom + SIDE)
        sheet.imshow(pixels, interpolation="nearest", extent=extent)
    side = f"{SIDES[triplet.label]}\n{triplet.magnification}".rstrip()
    sheet.text(MIDDLES[0] - SIDE / 2 - 0.1, bottom + SIDE / 2, side, ha="right", va="center")
    for middle, score in ((MIDDLES[0], triplet.clean_score), (MIDDLES[2], triplet.score)):
        called = int(score >= triplet.threshold)
        right = called == triplet.label
        text = f"{SIDES[called]} {score:.2f}"
        colour, weight = (CLEAN, "normal") if right else (LOST, "bold")
        sheet.text(middle, bottom - 0.03, text, ha="center", va="top", size=8.5, color=colour, weight=weight)


def _change(triplet: Triplet) -> np.ndarray:
    return _pixels(triplet.attacked).astype(np.int16) - _pixels(triplet.clean).astype(np.int16)


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
