"""Success against the budget: what share of the images that were right when clean each attack turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from robustgan.report.cases import grey_levels
from robustgan.report.figures.style import colours, panel, wrapped


class Track(NamedTuple):
    """One attack over its budgets."""

    name: str
    eps: Sequence[float]
    value: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def draw(tracks: Sequence[Track], title: str, axis: str) -> Figure:
    """Draw one line an attack, with 95 % intervals; budgets on a logarithmic axis."""
    figure, (axes,) = panel(3.5)
    look = colours([track.name for track in tracks])
    for i, track in enumerate(tracks):
        colour, marker = look[track.name]
        shift = 1 + 0.035 * (i - (len(tracks) - 1) / 2)  # intervals beside each other, not on top
        _track(axes, track, colour, marker, shift)
    _axis(axes, sorted({eps for track in tracks for eps in track.eps}))
    axes.set(ylim=(-3, 103), xlabel=axis, ylabel="% of images right when clean")
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=10)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=3, columnspacing=1.2, handlelength=1.8)
    return figure


def _track(axes: Axes, track: Track, colour: str, marker: str, shift: float) -> None:
    x, y = np.asarray(track.eps) * shift, 100 * np.asarray(track.value, dtype=float)
    low, high = (100 * np.asarray(edge, dtype=float) for edge in (track.low, track.high))
    dash = (0, (3, 2)) if marker == "x" else "-"
    axes.plot(
        x,
        y,
        color=colour,
        marker=marker,
        markersize=5.5,
        linestyle=dash,
        linewidth=1.6,
        label=wrapped(track.name),
    )
    axes.vlines(x, low, high, color=colour, linewidth=2.6, alpha=0.3)


def _axis(axes: Axes, eps: list[float]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(eps, [grey_levels(value) for value in eps])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(eps[0] / 1.35, eps[-1] * 1.35)
