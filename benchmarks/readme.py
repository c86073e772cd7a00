"""Write the results table of the README from the committed reports, so that no number in it is typed by hand.

python benchmarks/readme.py          rewrites the part of README.md between the markers
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from robustgan import tables

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- results: written by benchmarks/readme.py -->", "<!-- end of results -->"
SUITES = {"idc_subset": "real tissue (IDC, 199 patients)", "quickstart": "simulated tissue, four magnifications"}
ATTACKS = ("noise", "fgsm", "pgd", "advgan", "worst-case")
METRICS = ("sensitivity", "specificity", "attack_success")


def percent(row: pd.Series, value: str, low: str, high: str) -> str:
    """A share in per cent with its interval, or `n/a`."""
    numbers = [100 * row[name] for name in (value, low, high)]
    if math.isnan(numbers[0]):
        return "n/a"
    if math.isnan(numbers[1]):
        return f"{numbers[0]:.1f}"
    return f"{numbers[0]:.1f} ({numbers[1]:.1f}–{numbers[2]:.1f})"


def chosen(name: str) -> pd.DataFrame:
    """Pooled image-level rows of a report at its largest Linf budget."""
    frame = tables.read(ROOT / "reports" / name / "metrics.csv", tables.METRICS)
    pooled = (frame["magnification"] == "pooled") & (frame["subtype"] == "all") & (frame["unit"] == "image")
    frame = frame[pooled & (frame["norm"] == "linf") & frame["metric"].isin(METRICS)]
    return frame[frame["eps"] == frame["eps"].max()].set_index(["attack", "metric"])


def table() -> str:
    """The Markdown table over all suites."""
    lines = [
        "| suite | attack, eps 8/255 | sensitivity, % | specificity, % | right when clean, then fooled, % |",
        "|---|---|---|---|---|",
    ]
    for name, title in SUITES.items():
        frame = chosen(name)
        first = frame.loc[(ATTACKS[0], "sensitivity")], frame.loc[(ATTACKS[0], "specificity")]
        clean = [percent(row, "clean", "clean_low", "clean_high") for row in first]
        lines.append(f"| [{title}](reports/{name}/report.md) | none | {clean[0]} | {clean[1]} | |")
        for attack in ATTACKS:
            cells = [percent(frame.loc[(attack, metric)], "value", "low", "high") for metric in METRICS]
            lines.append(f"| | {attack} | {' | '.join(cells)} |")
    return "\n".join(lines)


def rewritten(text: str) -> str:
    """README with the table of today between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(rewritten(readme.read_text("utf-8")), "utf-8")
