"""The README's table of audits: what the policy said of each classifier, and on what evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.shares import percent, tabled
from robustgan import gates, tables
from robustgan.gates.policy import policy
from robustgan.gates.rows import PRECEDENCE, worst

SUITES = {"audit_idc": "real tissue (IDC)", "audit": "simulated tissue, four magnifications"}
HEAD = """| audit | classifier | robust accuracy, worst case at 8/255, % | strength checks | gates | verdict |
|---|---|---|---|---|---|"""


def table(reports: Path) -> str:
    """The Markdown table of all audits that have a report."""
    return tabled(HEAD, [reports / name for name in SUITES], "strength.csv", rows)


def rows(folder: Path) -> Iterator[str]:
    """One line a classifier."""
    run = gates.read_run(folder)
    verdict = gates.judge(run, policy(run.run["policy"]))
    frame = run.metrics
    pooled = (frame["magnification"] == "pooled") & (frame["subtype"] == "all") & (frame["unit"] == "image")
    worst_case = frame[pooled & (frame["attack"] == "worst-case") & (frame["metric"] == "accuracy")]
    strength = tables.read(folder / "strength.csv", tables.STRENGTH)
    for model in run.models:
        told = [row for row in verdict.rows if row.model in ("", model)]
        left = percent(worst_case[worst_case["model"] == model].iloc[0].to_dict())
        checks = _counted(strength.loc[strength["model"] == model, "status"], ("fail", "warn", "pass", "not run"))
        counts = _counted([row.status for row in told], PRECEDENCE)
        status = worst(row.status for row in told)
        title = f"[{SUITES[folder.name]}](reports/{folder.name}/report.md)"
        yield f"| {title} | {model} | {left} | {checks} | {counts} | **{status}** |"


def _counted(statuses: Iterable[str], order: tuple[str, ...]) -> str:
    found = Counter(statuses)
    return ", ".join(f"{found[status]} {status}" for status in order if found[status])
