"""Forest plot: a drop with its interval for each attack at each magnification, with what it was counted from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from robustgan.report.figures.style import GREY, INK, LOST, panel, wrapped

ROW = 0.24  # inches


class Line(NamedTuple):
    """One drop, as fractions."""

    label: str
    drop: float
    low: float
    high: float
    images: int
    groups: int
    control: bool


def draw(groups: Mapping[str, Sequence[Line]], title: str) -> Figure:
    """Draw a group a magnification, a line an attack; at the right the number of images and of patients."""
    figure, (axes,) = panel(1.0 + ROW * sum(len(lines) + 1 for lines in groups.values()))
    y, ticks = 0.0, []
    edge = axes.get_yaxis_transform()
    axes.text(1.03, -0.9, "images (patients)", transform=edge, ha="left", va="center", size=7.5, color=GREY)
    for name, lines in groups.items():
        axes.text(-0.02, y, name, transform=edge, ha="right", va="center", weight="bold")
        for i, line in enumerate(lines, start=1):
            ticks.append((y + i, wrapped(line.label)))
            colour = GREY if line.control else LOST
            if np.isnan(line.drop):
                axes.text(0, y + i, "n/a", va="center", color=GREY, size=8)
            else:
                axes.plot([100 * line.low, 100 * line.high], [y + i, y + i], color=colour, linewidth=1.6)
                axes.plot(100 * line.drop, y + i, "s", color=colour, markersize=5)
            sizes = f"{line.images:,} ({line.groups:,})"
            axes.text(1.03, y + i, sizes, transform=edge, ha="left", va="center", size=7.5, color=INK)
        y += len(lines) + 1
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
    axes.set(ylim=(y - 0.3, -1.3), xlabel="drop, percentage points")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=10)
    return figure
