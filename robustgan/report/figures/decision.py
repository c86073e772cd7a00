"""Decision curves: net benefit at every threshold, clean and attacked, beside calling all or nothing malignant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from robustgan.report.figures.style import CLEAN, GREY, INK, LOST, panel


class Curves(NamedTuple):
    """Net benefit at each threshold, in true positives per 100 images."""

    thresholds: np.ndarray
    clean: np.ndarray
    attacked: np.ndarray
    everything: np.ndarray  # called malignant
    share: float  # of malignant images, in per cent: more cannot be had


def draw(curves: Curves, used: float, title: str) -> Figure:
    """Draw the curves; a thin line marks the threshold of the run.

    Args:
        curves: what to draw.
        used: the threshold that the run used.
        title: which classifier and attack.
    """
    figure, (axes,) = panel(3.2)
    x = curves.thresholds
    axes.axhline(0, color=INK, linewidth=0.9, label="nothing malignant")
    axes.plot(x, curves.everything, color=GREY, linewidth=1.2, linestyle=(0, (4, 2)), label="everything malignant")
    axes.plot(x, curves.clean, color=CLEAN, linewidth=1.8, label="clean")
    axes.plot(x, curves.attacked, color=LOST, linewidth=1.8, label="attacked")
    axes.axvline(used, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)))
    room = 0.06 * curves.share
    lowest = -0.4 * curves.share  # below, it is only worse: an attacked curve may fall without end
    axes.set(xlim=(0, 1), ylim=(lowest, curves.share + room), xlabel="threshold P(malignant)")
    axes.set_ylabel("net benefit per 100 images")
    axes.grid()
    axes.set_axisbelow(True)
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=10)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
