"""Selection curve: how much fools, and how much is left, the stricter the oracles that accept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from robustgan.report.figures.style import GREY, INK, colours, panel

COLOURED = ("natural", "searched", "walked")  # each has its colour, whatever else is drawn; the rest is grey


class Curve(NamedTuple):
    """Images of one mode at every threshold; NaN where none is accepted."""

    name: str
    rate: Sequence[float]  # share of the accepted that the victim calls wrong
    low: Sequence[float]
    high: Sequence[float]
    kept: Sequence[float]  # share of all that is accepted
    control: bool  # real images: what the generated ones are compared with


def draw(curves: Sequence[Curve], thresholds: Sequence[float], used: float, title: str) -> Figure:
    """Draw fooling rate over yield, against the probability that every oracle must give; `used` is marked."""
    figure, (rates, kept) = panel(4.4, rows=2)
    look = colours(COLOURED)
    for curve in curves:
        colour = look.get(curve.name, (GREY, ""))[0]
        dash = (0, (3, 2)) if curve.control else "-"
        rates.plot(thresholds, _percent(curve.rate), color=colour, linestyle=dash, linewidth=1.6, label=curve.name)
        rates.fill_between(thresholds, _percent(curve.low), _percent(curve.high), color=colour, alpha=0.15, linewidth=0)
        kept.plot(thresholds, _percent(curve.kept), color=colour, linestyle=dash, linewidth=1.6)
    _axes(rates, "accepted images\nthat fool, %", used)
    _axes(kept, "accepted of all, %", used)
    rates.set_xticklabels([])
    kept.set_xlabel("probability that every judging oracle must give to the label")
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=10)
    figure.legend(loc="outside lower center", ncols=4, columnspacing=1.2, handlelength=1.6)
    return figure


def _percent(values: Sequence[float]) -> np.ndarray:
    return 100 * np.asarray(values, dtype=float)


def _axes(axes: Axes, name: str, used: float) -> None:
    axes.axvline(used, color=INK, linewidth=0.9, linestyle=(0, (1, 2)))
    axes.set(ylim=(-3, 103), xlim=(0.49, 1.0), ylabel=name)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
