"""The verdict, before everything else: what the policy's gates say, about what, and what it is not."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from robustgan.report import cases as lookup
from robustgan.report.document import Block, Cell, Paragraph, Section, Table, Tile, Tiles
from robustgan.report.folder import Folder, Row
from robustgan.report.sections import standing
from robustgan.report.words import absent, count, count_cell, listed, mark, percent, plain, points, sized, status_cell

OUTCOMES = {
    "pass": "Every gate of the policy passes.",
    "fail": "The policy is not met.",
    "indeterminate": "The policy can be called neither met nor broken.",
}
NAMED = 8  # attacks that the scope names; half as many gates with their places
WORST_FIRST = ("fail", "incomplete", "indeterminate")
DISCLAIMER = "This report is not a clearance, of a medical device or of anything else; no compliance claim is made."
COLUMNS = (
    "Gate", "Classifier", "Scope", "Outcome", "Observed (95 % interval)", "Limit", "Decided by", "Images", "Patients",
    "Reason",
)  # fmt: skip


def section(folder: Folder, rows: Sequence[Row]) -> Section:
    """The policy's gates, one row each; without a policy, that there is no verdict.

    Args:
        folder: the run.
        rows: what `robustgan.gates` judged: gate, kind, model, scope, status, observed, low, high, limit, bound,
            images, groups, reason, and whether the gate is about robustness.
    """
    policy = folder.run.get("policy")
    blocks: list[Block]
    if not isinstance(policy, dict):
        text = (
            "No policy was given to this run, so there is no verdict: what follows are measurements, and nobody has "
            "said which of them would be good enough."
        )
        none = Tile("Verdict", "none", "no policy was given", "open")
        blocks = [Tiles((none, *standing.tiles(folder))), Paragraph(text), *standing.blocks(folder)]
    else:
        blocks = _judged(folder, str(policy.get("title") or policy.get("name") or "without a name"), rows)
    return Section("verdict", "Verdict", (*blocks, Paragraph(_about(folder)), Paragraph(DISCLAIMER, "note")))


def outcome(rows: Sequence[Row]) -> str:
    """The worst outcome of all gates; where there is no gate, nothing was decided."""
    found = {str(row["status"]) for row in rows}
    if not found:
        return "indeterminate"
    return next((word for word in WORST_FIRST if word in found), "pass" if found == {"pass"} else "indeterminate")


def _judged(folder: Folder, policy: str, rows: Sequence[Row]) -> list[Block]:
    word, counted = outcome(rows), Counter(str(row["status"]) for row in rows)
    tiles = [Tile("Verdict", word.upper(), f"policy {policy}", mark(word))]
    tiles += [
        Tile(f"Gates: {name}", str(n), f"of {count(len(rows), 'gate')}", mark(name)) for name, n in counted.items()
    ]
    blocks: list[Block] = [Tiles((*tiles, *standing.tiles(folder))), Paragraph(_words(word, rows), "lead")]
    blocks += [*standing.weakening(folder, rows), *standing.blocks(folder)]
    caption = f"Gates of the policy {policy}: what was observed, the limit, and the end of the interval that decides."
    ordered = sorted(rows, key=lambda row: _rank(str(row["status"])))
    return [*blocks, Table(caption, COLUMNS, tuple(_line(row) for row in ordered))]


def _rank(status: str) -> int:
    return WORST_FIRST.index(status) if status in WORST_FIRST else len(WORST_FIRST) + (status == "pass")


def _words(word: str, rows: Sequence[Row]) -> str:
    deciding = [row for row in rows if row["status"] == word]
    few = len(deciding) <= NAMED // 2  # more: the gates alone, the table has their places
    named = list(dict.fromkeys(_place(row) if few else str(row["gate"]) for row in deciding))
    start = OUTCOMES.get(word, OUTCOMES["indeterminate"])
    if not rows:
        return f"{start} A policy was given, but no gate was judged."
    return start if word == "pass" else f"{start} {word.capitalize()}: {listed(named)}."


def _place(row: Row) -> str:
    where = ", ".join(str(row[name]) for name in ("model", "scope") if row[name])
    return f"{row['gate']} ({where})" if where else str(row["gate"])


def _line(row: Row) -> tuple[Cell, ...]:
    observed, low, high, limit = (_number(row[name]) for name in ("observed", "low", "high", "limit"))
    share = row["bound"] != "exact"  # what has an interval is a fraction; the rest are counts
    of = sized(*(0 if math.isnan(n := _number(row[name])) else n for name in ("images", "groups")))
    seen = absent() if math.isnan(observed) else Cell(_shown(observed, low, high, share), observed, hint=of)
    held = absent() if math.isnan(limit) else Cell(f"{percent(limit)} %" if share else plain(limit), limit)
    about = " (robustness)" if row["robustness"] else ""
    return (
        Cell(f"{row['gate']}{about}", hint=f"kind: {row['kind']}"), Cell(str(row["model"])), Cell(str(row["scope"])),
        status_cell(str(row["status"])), seen, held, Cell(str(row["bound"])), _size(row["images"]),
        _size(row["groups"]), Cell(str(row["reason"]), muted=True),
    )  # fmt: skip


def _shown(value: float, low: float, high: float, share: bool) -> str:
    if share:
        return f"{points(value, low, high)} %"
    return plain(value) + ("" if math.isnan(low) or math.isnan(high) else f" ({plain(low)} to {plain(high)})")


def _size(value: object) -> Cell:
    """How many there are; nothing where the gate counts none."""
    return count_cell(_number(value)) if value else Cell("", math.nan)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _about(folder: Folder) -> str:
    """What the numbers are about, and that they are about nothing else."""
    judged = folder.predictions
    sizes = f"{count(judged['image_id'].nunique(), 'test image')} of {count(judged['group'].nunique(), 'patient')}"
    data = folder.config.get("dataset", {}).get("kind", "?")
    shown = list(dict.fromkeys(_tried(folder)))
    more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
    attacks = (", ".join(shown[:NAMED]) + more if more else listed(shown)) or "no attack"
    models = listed(folder.models) or "no classifier"
    return f"Scope: {models}; {sizes} of the data set {data}; under {attacks}. It says nothing about anything else."


def _tried(folder: Folder) -> Iterator[str]:
    """Each attack with the largest budget that it had, in each norm."""
    largest: dict[tuple[str, str], float] = {}
    for case in (case for model in folder.judged for case in lookup.cases(folder, model) if case.rival):
        largest[case.name, case.norm] = max(
            largest.get((case.name, case.norm), 0.0), 0.0 if case.eps != case.eps else case.eps
        )
    for (name, norm), eps in largest.items():
        yield f"{name} up to {lookup.budget(norm, eps)}" if eps else name
