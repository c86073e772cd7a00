"""Does P(malignant) mean what it says? The share of malignant images against it, clean and attacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from robustgan.report.figures.style import CLEAN, GREY, LOST, panel

LOOKS = {"clean": (CLEAN, "o"), "attacked": (LOST, "s")}


class Points(NamedTuple):
    """One reliability curve, bin by bin."""

    name: str  # clean or attacked
    score: Sequence[float]
    share: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def draw(curves: Sequence[Points], title: str) -> Figure:
    """Draw share against score; on the dotted line, both are the same."""
    figure, (axes,) = panel(3.6)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.9, linestyle=(0, (1, 2)))
    for curve in curves:
        colour, marker = LOOKS[curve.name]
        axes.vlines(curve.score, curve.low, curve.high, color=colour, linewidth=2.4, alpha=0.3)
        axes.plot(curve.score, curve.share, color=colour, marker=marker, markersize=5, linewidth=1.4, label=curve.name)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="mean P(malignant)", ylabel="share of malignant images")
    axes.grid()
    axes.set_axisbelow(True)
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=10)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
