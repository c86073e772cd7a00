"""Forest plot: a drop with its interval for each attack at each magnification, with what it was counted from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from robustgan.report.figures.style import GREY, INK, LOST, panel, wrapped

ROW = 0.24  # inches of a line
MORE = 0.6  # of a row, for each further line of a label
EDGE = 5.0  # percentage points beside the outermost interval


class Line(NamedTuple):
    """One drop, as fractions."""

    label: str
    drop: float
    low: float
    high: float
    images: int
    groups: int
    control: bool


def span(groups: Mapping[str, Sequence[Line]]) -> tuple[float, float]:
    """The percentage points that all lines need: the same axis for panels that are read side by side."""
    ends = [100 * end for lines in groups.values() for line in lines for end in (line.low, line.drop, line.high)]
    known = [end for end in ends if not np.isnan(end)]
    return min(known, default=0.0) - EDGE, max(known, default=100.0) + EDGE


def draw(groups: Mapping[str, Sequence[Line]], title: str, across: tuple[float, float]) -> Figure:
    """Draw a group a magnification, a line an attack; at the right the number of images and of patients.

    The height follows the lines, and the lines of their labels.

    Args:
        groups: the lines of each magnification.
        title: what is drawn.
        across: where the axis starts and ends, in percentage points.
    """
    heights = {name: [_height(line) for line in lines] for name, lines in groups.items()}
    figure, (axes,) = panel(1.0 + ROW * sum(sum(some) + 1 for some in heights.values()))
    y, ticks = 0.0, []
    edge = axes.get_yaxis_transform()
    axes.text(1.03, -0.9, "images (patients)", transform=edge, ha="left", va="center", size=7.5, color=GREY)
    for name, lines in groups.items():
        axes.text(-0.02, y, name, transform=edge, ha="right", va="center", weight="bold")
        y += 0.5
        for line, height in zip(lines, heights[name], strict=True):
            y += height / 2
            ticks.append((y, wrapped(line.label)))
            _bar(axes, y, line)
            sizes = f"{line.images:,} ({line.groups:,})"
            axes.text(1.03, y, sizes, transform=edge, ha="left", va="center", size=7.5, color=INK)
            y += height / 2
        y += 0.5
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
    axes.set(ylim=(y - 0.3, -1.3), xlim=across, xlabel="drop, percentage points")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=10)
    return figure


def _height(line: Line) -> float:
    """Rows that a line takes."""
    return 1 + MORE * wrapped(line.label).count("\n")


def _bar(axes: Axes, y: float, line: Line) -> None:
    """A drop with its interval."""
    colour = GREY if line.control else LOST
    if np.isnan(line.drop):
        axes.text(0, y, "n/a", va="center", color=GREY, size=8)
        return
    axes.plot([100 * line.low, 100 * line.high], [y, y], color=colour, linewidth=1.6)
    axes.plot(100 * line.drop, y, "s", color=colour, markersize=5)
