"""Strip plot: what becomes of each patient, from clean to attacked."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from robustgan.report.figures.style import CLEAN, GREY, LOST, panel


def draw(clean: np.ndarray, attacked: np.ndarray, title: str) -> Figure:
    """Draw one patient a column: a ring for the clean share, a dot for what is left of it.

    Args:
        clean: share of each patient's images that is right when clean.
        attacked: the same under attack, in the same order.
        title: which patients these are.
    """
    order = np.lexsort((clean, attacked))
    figure, (axes,) = panel(2.6)
    x = np.arange(1, len(order) + 1)
    size = 5 if len(order) <= 60 else 3 if len(order) <= 150 else 2  # rings of neighbours may touch, no more
    axes.vlines(x, 100 * attacked[order], 100 * clean[order], color=GREY, linewidth=0.7, alpha=0.7)
    axes.plot(x, 100 * clean[order], "o", color=CLEAN, markersize=size, fillstyle="none", label="clean", clip_on=False)
    axes.plot(x, 100 * attacked[order], "o", color=LOST, markersize=size - 1, label="attacked", clip_on=False)
    axes.set(ylim=(-4, 104), xlim=(0, len(order) + 1), ylabel="images right, %", xticks=[])
    axes.set_xlabel(f"{len(order)} patients, by what is left")
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=10)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
