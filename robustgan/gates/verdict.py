"""Hold a run against a policy: one row a gate and place, one status for all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from robustgan.gates.completeness import CompleteGate
from robustgan.gates.evidence import Run
from robustgan.gates.gate import Case, Gate
from robustgan.gates.policy import Policy
from robustgan.gates.rows import EXIT_CODES, PRECEDENCE, Row, Status, worst
from robustgan.gates.strong import weakened

ALWAYS = CompleteGate(
    name="complete", kind="complete", why="A verdict on part of a run could be a verdict on the part that went well."
)


@dataclass(frozen=True)
class Verdict:
    """What a policy says about a run."""

    policy: Policy
    rows: tuple[Row, ...]
    run: dict[str, Any]  # what was judged: its name, title, versions, weights

    @property
    def status(self) -> Status:
        """The status of all rows together; `PRECEDENCE` says which wins, and why."""
        return worst(row.status for row in self.rows)

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 incomplete, 4 indeterminate."""
        return EXIT_CODES[self.status]

    @property
    def counts(self) -> dict[Status, int]:
        """How many rows have each status."""
        found = Counter(row.status for row in self.rows)
        return {status: found[status] for status in PRECEDENCE}

    @property
    def gates(self) -> dict[str, Gate]:
        """The gates that were judged, by name."""
        return {gate.name: gate for gate in demands(self.policy)}


def judge(run: Run, policy: Policy, baseline: Run | None = None) -> Verdict:
    """Hold a run against a policy, and where the policy compares, against a baseline.

    Every policy asks for a complete run, whether it says so or not. Strength checks that fail, or were not run, or
    looked at another budget, turn every pass about robustness into `indeterminate`.
    """
    case = Case(run, policy.fewest_groups, baseline)
    rows = tuple(weakened(row, run) for gate in demands(policy) for row in _rows(gate, case))
    return Verdict(policy, rows, facts(run))


def demands(policy: Policy) -> Iterator[Gate]:
    """The gates of a policy, and completeness where it does not name it."""
    if not any(isinstance(gate, CompleteGate) for gate in policy.gates):
        names = {gate.name for gate in policy.gates}
        yield ALWAYS if ALWAYS.name not in names else ALWAYS.model_copy(update={"name": "complete-run"})
    yield from policy.gates


def _rows(gate: Gate, case: Case) -> list[Row]:
    rows = list(gate.rows(case))
    return rows or [gate.unknown("", "", "the run has nothing that this gate is about")]


def facts(run: Run) -> dict[str, Any]:
    """What a reader needs in order to know which run was judged."""
    cards = _mapping(run.run.get("models"))
    weights = {name: card.get("weights_sha256", {}) for name, card in cards.items() if isinstance(card, dict)}
    title = str(run.config.get("title") or run.config.get("name") or run.name)
    return {
        "name": run.name,
        "title": title,
        "command": str(run.run.get("command", "")),
        "versions": _mapping(run.run.get("versions")),
        "weights_sha256": weights,
    }


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
