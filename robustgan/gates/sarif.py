"""The verdict as SARIF 2.1.0, for code scanning: a rule for each gate, a result for each row that did not pass.

Source: OASIS Static Analysis Results Interchange Format 2.1.0 plus Errata 01 (2023).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from robustgan import __version__
from robustgan.gates import atlas
from robustgan.gates.gate import Gate
from robustgan.gates.rows import Row, Status
from robustgan.gates.verdict import Verdict
from robustgan.gates.wording import legible, sarif

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: dict[Status, str] = {"fail": "error", "incomplete": "warning", "indeterminate": "warning"}


def text(verdict: Verdict, policy_uri: str, lines: Mapping[str, int]) -> str:
    """The log; the same verdict gives the same bytes.

    Args:
        verdict: what to write.
        policy_uri: where the policy is: relative to the repository's root, or a whole file URI; quoted.
        lines: line of each gate in that file, by name; a gate that is not in it is shown at line 1.
    """
    gates = verdict.gates
    order = {name: i for i, name in enumerate(gates)}
    results = [
        {**_result(row, policy_uri, lines.get(row.gate, 1)), "ruleIndex": order[row.gate]}
        for row in verdict.rows
        if row.status in LEVELS
    ]
    driver = {
        "name": "robustgan",
        "semanticVersion": __version__,
        "rules": [_rule(gate) for gate in gates.values()],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"robustgan/{verdict.policy.name}/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "verdict": verdict.status,
            "run": legible(str(verdict.run["name"])),
            "atlasVersion": atlas.VERSION,
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, allow_nan=False) + "\n"


def _rule(gate: Gate) -> dict[str, Any]:
    settings = gate.model_dump(mode="json", exclude_defaults=True, exclude={"name", "kind", "why"})
    demand = ", ".join(f"{key}: {value}" for key, value in settings.items()) or "no settings"
    help_text = f"{legible(gate.why)}\n\nDemand: {gate.kind} ({legible(demand)})."
    return {
        "id": gate.name,
        "name": gate.kind,
        "shortDescription": {"text": sarif(f"{gate.name} ({gate.kind})")},
        "fullDescription": {"text": sarif(gate.why)},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["security", *atlas.techniques(gate.kind, gate.robustness)]},
    }


def _result(row: Row, policy_uri: str, line: int) -> dict[str, Any]:
    where = ", ".join(filter(None, (row.model, row.scope)))
    mark = fingerprint(row)
    place = {"artifactLocation": {"uri": policy_uri}, "region": {"startLine": line}}
    return {
        "ruleId": row.gate,
        "level": LEVELS[row.status],
        "message": {"text": sarif(f"{row.status}: {where + ': ' if where else ''}{row.reason}")},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"robustganGate/v1": mark, "primaryLocationLineHash": f"{mark[:16]}:1"},
        "properties": {"status": row.status, "model": legible(row.model), "scope": legible(row.scope)},
    }


def fingerprint(row: Row) -> str:
    """The same for the same gate at the same place, whatever its numbers, so that alerts do not repeat."""
    return hashlib.sha256(json.dumps([row.model, row.gate, row.scope]).encode()).hexdigest()
