"""What a probe varies against what it reaches: one small panel a question, all on the same axis of success."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from robustgan.report.figures.style import CLEAN, GREY, LOST, panel

HEIGHT = 2.3  # inches


class Curve(NamedTuple):
    """Success of one probe over what it varies."""

    title: str
    axis: str
    x: Sequence[float]
    success: Sequence[float]  # fractions
    names: Sequence[str]  # of the values of x


def draw(curve: Curve, judged: float | None = None) -> Figure:
    """Draw one curve on a logarithmic axis; `judged` marks the value that the verdict is about."""
    figure, (axes,) = panel(HEIGHT)
    axes.axhline(100, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)))
    if judged is not None:
        axes.axvline(judged, color=CLEAN, linewidth=0.9, linestyle=(0, (3, 2)))
    axes.plot(curve.x, [100 * value for value in curve.success], color=LOST, marker="o", markersize=5, linewidth=1.6)
    axes.set_xscale("log", base=2)
    axes.set_xticks(curve.x, curve.names, size=8)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(ylim=(-4, 106), ylabel="% turned", xlabel=curve.axis)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    figure.suptitle(curve.title, x=0.02, ha="left", weight="bold", size=10)
    return figure
