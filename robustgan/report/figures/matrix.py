"""Transfer matrix: one panel an attack, the classifier that was attacked down, the one that judged across."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from robustgan.report.figures.style import WIDTH, panel, ramp, wrapped
from robustgan.report.words import percent


def draw(success: pd.DataFrame, title: str) -> Figure:
    """Draw success rates in percent; what is undefined is grey.

    Args:
        success: fractions; index = attacked classifiers, columns = judging classifiers.
        title: the attack with its budget.
    """
    values = success.astype(float)
    figure, (axes,) = panel(1.6 + 0.42 * len(values), width=WIDTH)
    sns.heatmap(
        100 * values, ax=axes, cmap=ramp(), vmin=0, vmax=100, annot=values.map(percent), fmt="", cbar=False,
        mask=values.isna(), linewidths=1.5, linecolor="white", annot_kws={"size": 8.5},
    )  # fmt: skip
    axes.set_facecolor("#eceff2")
    figure.suptitle(f"{title}: images turned, %", x=0.02, ha="left", weight="bold", size=10)
    axes.tick_params(length=0)
    axes.set_yticklabels([wrapped(str(name)) for name in values.index], rotation=0)
    axes.set_xticklabels(values.columns, rotation=35, ha="right", rotation_mode="anchor")
    axes.set(xlabel="judged by", ylabel="made against")
    return figure
