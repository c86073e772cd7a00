"""Heat map of drops: one panel a metric, attacks down, magnifications across."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from robustgan.report.figures.style import GREY, WIDTH, panel, ramp, wrapped


def draw(drops: pd.DataFrame, title: str) -> Figure:
    """Draw drops in percentage points; what is undefined is grey and hatched, never white.

    Args:
        drops: fractions; index = attacks with their budget, columns = magnifications.
        title: name of the metric.
    """
    values = 100 * drops.astype(float)
    names = [wrapped(str(name)) for name in values.index]
    row = max(0.29, *(0.16 * len(name.splitlines()) for name in names))  # inches, so that long names do not touch
    figure, (axes,) = panel(0.6 + row * len(values), width=WIDTH - 0.4)
    letters = values.map(lambda value: "" if np.isnan(value) else f"{value + 0.0:.1f}".replace("-0.0", "0.0"))
    sns.heatmap(
        values, ax=axes, cmap=ramp(), vmin=0, vmax=100, annot=letters, fmt="", cbar=False, mask=values.isna(),
        linewidths=1.5, linecolor="white", annot_kws={"size": 8.5},
    )  # fmt: skip
    _undefined(axes, values)
    figure.suptitle(f"Drop in {title}, percentage points", x=0.02, ha="left", weight="bold", size=10)
    axes.tick_params(length=0)
    axes.set_yticklabels(names, rotation=0)
    axes.set_xticklabels(axes.get_xticklabels(), rotation=0)
    axes.set(xlabel="", ylabel="")
    return figure


def _undefined(axes: Axes, values: pd.DataFrame) -> None:
    for row, column in np.argwhere(values.isna().to_numpy()):
        place = (float(column) + 0.02, float(row) + 0.05)
        axes.add_patch(Rectangle(place, 0.96, 0.9, facecolor="#eceff2", edgecolor="#b6bdc6", hatch="////", linewidth=0))
        axes.text(
            column + 0.5, row + 0.5, "n/a", ha="center", va="center", size=8, color=GREY,
            bbox={"facecolor": "#eceff2", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
