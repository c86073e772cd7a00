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
TOP, ROW = 0.45, 1.4  # inches: title and heads; one example with its scores


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
    figure.text(0.02, 1 - 0.08 / height, title, va="top", weight="bold", size=10)
    for i, triplet in enumerate(triplets):
        bottom = 1 - (TOP + ROW * (i + 1) - 0.22) / height
        places = [(0.19 + 0.272 * k, bottom, 0.26, (ROW - 0.26) / height) for k in range(3)]
        axes = [figure.add_axes(place) for place in places]
        _row(axes, triplet, gain)
        if i == 0:
            for place, head in zip(axes, ("original", f"change × {gain}", "attacked"), strict=True):
                place.set_title(head, loc="center", weight="normal", size=9)
    return figure


def _row(axes: Sequence[Axes], triplet: Triplet, gain: int) -> None:
    change = np.clip(127.5 + gain * _change(triplet), 0, 255).astype(np.uint8)
    for place, pixels in zip(axes, (_pixels(triplet.clean), change, _pixels(triplet.attacked)), strict=True):
        place.imshow(pixels, interpolation="nearest")
        place.set(xticks=[], yticks=[])
        for spine in place.spines.values():
            spine.set_visible(False)
    side = f"{SIDES[triplet.label]}\n{triplet.magnification}".rstrip()
    axes[0].set_ylabel(side, rotation=0, ha="right", va="center", labelpad=5)
    _score(axes[0], triplet.clean_score, triplet)
    _score(axes[2], triplet.score, triplet)


def _score(axes: Axes, score: float, triplet: Triplet) -> None:
    called = int(score >= triplet.threshold)
    right = called == triplet.label
    text = f"{SIDES[called]} {score:.2f}"
    axes.set_xlabel(text, size=8.5, labelpad=2, color=CLEAN if right else LOST, weight="normal" if right else "bold")


def _change(triplet: Triplet) -> np.ndarray:
    return _pixels(triplet.attacked).astype(np.int16) - _pixels(triplet.clean).astype(np.int16)


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
