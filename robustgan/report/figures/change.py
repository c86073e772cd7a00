"""From clean to attacked: one metric at each magnification, with the intervals of both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from robustgan.report.figures.style import CLEAN, GREY, INK, LOST, PALE, Figure, panel


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
    """Draw a group of lines a magnification: hollow circle = clean, filled = attacked, bars = 95 % intervals."""
    lines = sum(len(rows) + 1 for rows in groups.values())
    figure, (axes,) = panel(1.05 + 0.235 * lines)
    y, ticks = 0.0, []
    for name, rows in groups.items():
        axes.text(-0.02, y, name, transform=axes.get_yaxis_transform(), ha="right", va="center", weight="bold")
        axes.axhline(y, color=PALE, linewidth=0.8, zorder=0)
        for i, row in enumerate(rows, start=1):
            _line(axes, y + i, row)
            ticks.append((y + i, row.label))
        y += len(rows) + 1
    axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
    axes.set(xlim=(-2, 102), ylim=(y - 0.3, -0.7), xlabel=f"{title}, %")
    axes.set_title(f"{title}: clean and attacked")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    figure.legend(handles=_key(), loc="outside lower center", ncols=3, handletextpad=0.4, columnspacing=1.2)
    return figure


def _line(axes: Axes, y: float, row: Row) -> None:
    colour = GREY if row.control else LOST
    if not np.isnan(row.clean.value):
        _bar(axes, y - 0.13, row.clean, CLEAN)
        axes.plot(100 * row.clean.value, y, "o", markerfacecolor="white", color=CLEAN, markersize=6, zorder=4)
    if np.isnan(row.attacked.value):
        axes.text(50, y, "n/a", ha="center", va="center", color=GREY, size=8)
        return
    _bar(axes, y + 0.13, row.attacked, colour)
    axes.plot([100 * row.clean.value, 100 * row.attacked.value], [y, y], color=colour, linewidth=1, alpha=0.55, zorder=2)
    axes.plot(100 * row.attacked.value, y, "o", color=colour, markersize=6, zorder=5)


def _bar(axes: Axes, y: float, estimate: Estimate, colour: str) -> None:
    axes.plot([100 * estimate.low, 100 * estimate.high], [y, y], color=colour, linewidth=3.2, alpha=0.28, zorder=1)


def _key() -> list[Line2D]:
    style = {"linestyle": "none", "markersize": 6}
    return [
        Line2D([], [], marker="o", markerfacecolor="white", color=CLEAN, label="clean", **style),  # type: ignore[arg-type]
        Line2D([], [], marker="o", color=LOST, label="attacked", **style),  # type: ignore[arg-type]
        Line2D([], [], marker="o", color=GREY, label="noise (control)", **style),  # type: ignore[arg-type]
        Line2D([], [], color=INK, alpha=0.28, linewidth=3.2, label="95 % interval"),
    ][:4]
