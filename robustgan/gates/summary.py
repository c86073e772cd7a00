"""The verdict as Markdown for a comment on a pull request: short, worst first, details folded, never too long."""

from __future__ import annotations

from collections.abc import Iterable

from robustgan.gates.rows import PRECEDENCE, Row, Status
from robustgan.gates.verdict import Verdict
from robustgan.gates.wording import markdown

MOST = 60_000  # bytes; GitHub refuses comments of more than 65,536 characters
TABLE = 30_000  # of these, for the table of gates
SIGNS: dict[Status, str] = {"pass": "✅", "fail": "❌", "incomplete": "🚧", "indeterminate": "❔"}
MEANINGS: dict[Status, str] = {
    "pass": "every gate holds",
    "fail": "at least one gate does not hold",
    "incomplete": "the run lacks something that the policy needs, and nothing that is there fails",
    "indeterminate": "the evidence does not decide: too few patients, a weak attack, or something not measured",
}


def text(verdict: Verdict) -> str:
    """The comment; the same verdict gives the same bytes."""
    counts = ", ".join(f"{number} {status}" for status, number in verdict.counts.items() if number)
    head = [
        f"## {SIGNS[verdict.status]} robustgan: {verdict.status}",
        f"Policy **{markdown(verdict.policy.name)}** on run **{markdown(verdict.run['title'])}**: "
        f"{MEANINGS[verdict.status]} ({counts}).",
    ]
    gates = _table(("", "Gate", "Decided by", "Observed", "Limit", "Why"), _gates(verdict), TABLE)
    above = "\n".join([head[0], "", head[1], "", *gates, ""])
    closing = "\n</details>\n\nNo medical-device clearance and no claim of compliance with any rule.\n"
    title = f"\n<details><summary>All {len(verdict.rows)} results</summary>\n\n"
    room = MOST - sum(len(part.encode()) for part in (above, title, closing))
    every = [_line(row) for row in _sorted(verdict.rows)]
    rows = _table(("", "Gate", "Where", "Observed", "Limit", "Why"), every, room)
    return above + title + "\n".join(rows) + closing


def _gates(verdict: Verdict) -> list[str]:
    """A line a gate: the row that decides it; gates that do not hold come first."""
    by_gate: dict[str, list[Row]] = {}
    for row in verdict.rows:
        by_gate.setdefault(row.gate, []).append(row)
    deciding = [_sorted(rows)[0] for rows in by_gate.values()]
    return [_line(row) for row in _sorted(deciding)]


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: PRECEDENCE.index(row.status))


def _line(row: Row) -> str:
    interval = f" ({row.low:.3g} to {row.high:.3g})" if row.low == row.low else ""
    observed = f"{row.observed:.3g}{interval}" if row.observed == row.observed else "not measured"
    limit = f"{row.limit:.3g} ({row.bound})" if row.limit == row.limit else ""
    where = ", ".join(filter(None, (row.model, row.scope))) or "run"
    cells = [f"{SIGNS[row.status]} {row.status}", markdown(row.gate), markdown(where, 120), observed, limit]
    return f"| {' | '.join([*cells, markdown(row.reason, 240)])} |"


def _table(columns: tuple[str, ...], lines: list[str], room: int) -> list[str]:
    """A table with as many lines as there is room for; it says how many it leaves out."""
    kept = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    left = room - sum(len(line.encode()) + 1 for line in kept) - 100
    for number, line in enumerate(lines):
        left -= len(line.encode()) + 1
        if left < 0:
            return [*kept, "", f"{len(lines) - number} more lines are in the JSON verdict."]
        kept.append(line)
    return kept
