"""Training curves: one panel a network, numbers of one kind on one pair of axes."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from robustgan.report.figures.style import colours, panel

SCORES = ("accuracy", "auroc", "success", "noise", "r_t", "rate", "yield")  # fractions: one axis from 0 to 1
LOSSES = ("loss", "g_adv", "g_gan", "g_hinge")
HIDDEN = ("lr",)  # the schedule is in the config


def kind_of(name: str) -> str:
    """Which axes a number is drawn on."""
    if any(part in name for part in SCORES):
        return "fractions"
    return "losses" if any(part in name for part in LOSSES) else name


def draw(curves: pd.DataFrame, title: str) -> Figure:
    """Draw the curves of one network (columns fold, step, name, value); folds share a colour."""
    shown = curves[~curves["name"].isin(HIDDEN)]
    kinds = list(dict.fromkeys(kind_of(name) for name in shown["name"]))
    figure, rows = panel(0.5 + 1.55 * len(kinds), rows=len(kinds))
    for axes, kind in zip(rows, kinds, strict=True):
        _lines(axes, shown[[kind_of(name) == kind for name in shown["name"]]], kind)
    figure.suptitle(title, x=0.02, ha="left", weight="bold", size=10)
    rows[-1].set_xlabel("step" if "d_loss" in set(shown["name"]) and "r_t" in set(shown["name"]) else "epoch")
    return figure


def _lines(axes: Axes, part: pd.DataFrame, kind: str) -> None:
    for name, (colour, _) in colours(list(part["name"])).items():
        for i, (_, fold) in enumerate(part[part["name"] == name].groupby("fold")):
            dot = "o" if len(fold) == 1 else None
            label = name if i == 0 else None
            axes.plot(fold["step"], fold["value"], color=colour, linewidth=1.3, alpha=0.85, label=label, marker=dot)
    if kind == "fractions":
        axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel(kind)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.grid(axis="y")
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 0.98), borderaxespad=0.0, fontsize=8, ncols=3,
        handlelength=1.2, columnspacing=1.0,
    )  # fmt: skip
