"""From clean to attacked: one metric at each magnification, with the intervals of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from robustgan.report.figures.style import CLEAN, GREY, LOST, PALE, panel, wrapped


class Estimate(NamedTuple):
    """A fraction and its interval."""

    value: float
    low: float
    high: float


class Row(NamedTuple):
    """One line of the chart."""

    label: str
    clean: Estimate
    attacked: Estimate  # NaN where the clean classifier does not work
    control: bool


def draw(groups: dict[str, list[Row]], title: str) -> Figure:
    """Draw a group a magnification: blue line and band = clean, dots = attacked, light = 95 % intervals."""
    lines = sum(len(rows) + 1 for rows in groups.values())
    figure, (axes,) = panel(1.15 + 0.225 * lines)
    y, ticks = 0.0, []
    for name, rows in groups.items():
        axes.text(-0.02, y, name, transform=axes.get_yaxis_transform(), ha="right", va="center", weight="bold")
        _clean(axes, y, rows)
        for i, row in enumerate(rows, start=1):
            _line(axes, y + i, row)
            ticks.append((y + i, row.label))
        y += len(rows) + 1
    axes.set_yticks([place for place, _ in ticks], [wrapped(label) for _, label in ticks])
    axes.set(xlim=(-2, 102), ylim=(y - 0.3, -0.7), xlabel=f"{title}, %")
    figure.suptitle(f"{title}: clean and attacked", x=0.02, ha="left", weight="bold", size=10)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    figure.legend(handles=_key(), loc="outside lower center", ncols=2, columnspacing=1.4)
    return figure


def _clean(axes: Axes, y: float, rows: Sequence[Row]) -> None:
    """The clean value, once for the whole group: it is the same for every attack."""
    clean, height = rows[0].clean, len(rows) + 0.15
    if np.isnan(clean.value):
        axes.axhline(y, color=PALE, linewidth=0.8)
        return
    if not np.isnan(clean.low):
        axes.add_patch(
            Rectangle(
                (100 * clean.low, y + 0.3),
                100 * (clean.high - clean.low),
                height,
                color=CLEAN,
                alpha=0.13,
                linewidth=0,
            )
        )
    axes.vlines(100 * clean.value, y + 0.3, y + 0.3 + height, color=CLEAN, linewidth=1.8)
    label = f"{100 * clean.value:.1f}"
    axes.text(100 * clean.value, y + 0.05, label, ha="center", va="center", size=8, color=CLEAN, weight="bold")


def _line(axes: Axes, y: float, row: Row) -> None:
    colour, attacked = GREY if row.control else LOST, row.attacked
    if np.isnan(attacked.value):
        axes.text(0, y, "n/a", ha="left", va="center", color=GREY, size=8)
        return
    axes.plot(
        [100 * row.clean.value, 100 * attacked.value],
        [y, y],
        color=colour,
        linewidth=0.9,
        alpha=0.6,
        zorder=2,
    )
    axes.plot(
        [100 * attacked.low, 100 * attacked.high],
        [y, y],
        color=colour,
        linewidth=5,
        alpha=0.3,
        solid_capstyle="butt",
    )
    axes.plot(100 * attacked.value, y, "o", color=colour, markersize=5.5, zorder=5, clip_on=False)


def _key() -> list[Artist]:
    return [
        Line2D([], [], color=CLEAN, linewidth=1.8, label="clean"),
        Patch(color=CLEAN, alpha=0.2, linewidth=0, label="clean, 95 % interval"),
        Line2D([], [], marker="o", color=LOST, linestyle="none", markersize=5.5, label="attacked"),
        Line2D([], [], marker="o", color=GREY, linestyle="none", markersize=5.5, label="noise (control)"),
    ]
