"""One look for all figures: readable at the width of a phone, in print, and by the colour-blind.

A figure is made of panels of one narrow width, each a file of its own, so that a page can set them side by
side or one under the other. Fonts are those that come with matplotlib.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

WIDTH = 4.4  # inches: at 390 CSS pixels, 9 pt letters are still 11 pixels high
DPI = 170
INK, GREY, PALE = "#1b1f24", "#6e7681", "#d8dde3"
CLEAN = "#0072b2"  # what things are without an attack
LOST = "#d55e00"  # what an attack took away

# Okabe-Ito, ordered so that neighbours differ in lightness too; markers tell apart what colours do not.
COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5b4a9e", "#8a6d3b")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")

LOOK: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#e6e9ed",
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "robustgan",
}


@contextmanager
def look() -> Iterator[None]:
    """Draw in the report's style; whatever style the caller uses comes back afterwards."""
    with mpl.rc_context({**mpl.rcParamsDefault, "backend": "agg", **LOOK}):
        yield


def panel(height: float, rows: int = 1, width: float = WIDTH) -> tuple[Figure, list[Axes]]:
    """An empty panel of `height` inches with `rows` axes below each other."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, 1, squeeze=False)
    return figure, [row[0] for row in axes]


def save(figure: Figure, path: Path) -> None:
    """Write a PNG without time stamps or version strings."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi="figure", metadata={"Software": None})


def wrapped(label: str) -> str:
    """A label on as many lines as a narrow panel needs."""
    return "\n".join(textwrap.wrap(label, 20, break_on_hyphens=False)) or label


def colours(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each name, in order; noise is always grey. Up to 64 names, no two look the same."""
    others = [name for name in dict.fromkeys(names) if not name.lower().startswith("noise")]
    n = len(COLOURS)  # and of markers: in each further round, every colour gets the next marker
    chosen = {name: (COLOURS[i % n], MARKERS[(i + i // n) % n]) for i, name in enumerate(others)}
    return {name: chosen.get(name, (GREY, "x")) for name in dict.fromkeys(names)}


def ramp() -> Colormap:
    """From nothing lost (near white) to everything lost: one hue, monotone in lightness."""
    shades: Colormap = sns.light_palette("#a63603", as_cmap=True)
    return shades
