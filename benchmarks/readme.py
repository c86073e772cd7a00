"""Write the result tables of the README from the committed reports, so that no number in them is typed by hand.

python -m benchmarks.readme          rewrites the parts of README.md between the markers
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks import readme_advgan, readme_dcgan, readme_speed, readme_verdicts
from benchmarks.shares import percent
from robustgan import tables

ROOT = Path(__file__).parents[1]
SUITES = {"idc_subset": "real tissue (IDC, 199 patients)", "quickstart": "simulated tissue, four magnifications"}
ATTACKS = ("noise", "fgsm", "pgd", "advgan", "worst-case")
METRICS = ("sensitivity", "specificity", "attack_success")


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


def generators(reports: Path) -> str:
    """The Markdown tables of all generators whose suites have a report."""
    return "\n\n".join(filter(None, (readme_advgan.table(reports), readme_dcgan.table(reports))))


def rewritten(text: str, reports: Path = ROOT / "reports") -> str:
    """README with the tables of today between their markers."""
    text = _between(text, "results", table())
    text = _between(text, "verdicts", readme_verdicts.table(reports))
    text = _between(text, "speed", readme_speed.table(reports))
    return _between(text, "generators", generators(reports))


def _between(text: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name}: written by benchmarks/readme.py -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{content}\n{end}{after}"


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(rewritten(readme.read_text("utf-8")), "utf-8")
