"""The verdict as JSON, with a schema: a stable interface with a version of its own.

Within one `schema_version`, keys are added, never renamed or removed.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any, get_args

from robustgan.gates.rows import EXIT_CODES, Bound, Row, Status
from robustgan.gates.verdict import Verdict

VERSION = 1

_NUMBER = {"type": ["number", "null"]}
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_STATUS = {"enum": list(get_args(Status))}
_ROW: dict[str, dict[str, Any]] = {
    "gate": {**_TEXT, "description": "name in the policy"},
    "kind": {**_TEXT, "description": "kind of gate"},
    "model": {**_TEXT, "description": "classifier; empty: the gate is about the run"},
    "scope": {**_TEXT, "description": "magnification, attack and budget in words; empty: everywhere"},
    "status": {**_STATUS, "description": "what became of the gate here"},
    "reason": {**_TEXT, "description": "why, in one sentence"},
    "observed": {**_NUMBER, "description": "fraction, difference or count; null: not measured"},
    "low": {**_NUMBER, "description": "lower end of the 95 % interval, clustered by patient"},
    "high": {**_NUMBER, "description": "upper end"},
    "limit": {**_NUMBER, "description": "what the policy allows, on the scale of `observed`"},
    "bound": {"enum": list(get_args(Bound)), "description": "what was held against the limit; exact: a count"},
    "images": {**_COUNT, "description": "images behind the number"},
    "groups": {**_COUNT, "description": "patients behind the number"},
    "robustness": {"type": "boolean", "description": "a pass says that attacks failed, so it needs strong ones"},
    "norm": {**_TEXT, "description": "norm of the attack that was judged; empty: none was"},
    "eps": {**_NUMBER, "description": "its budget, on the [0, 1] scale; null: it has none"},
}


def content(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain values; what is not a number is null."""
    return {
        "schema_version": VERSION,
        "status": verdict.status,
        "exit_code": verdict.exit_code,
        "counts": verdict.counts,
        "run": verdict.run,
        "policy": verdict.policy.model_dump(mode="json"),
        "rows": [_plain(row) for row in verdict.rows],
    }


def text(verdict: Verdict) -> str:
    """The JSON document; the same verdict gives the same bytes."""
    return json.dumps(content(verdict), indent=1, allow_nan=False) + "\n"


def schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    counts = dict.fromkeys(EXIT_CODES, _COUNT)
    properties: dict[str, Any] = {
        "schema_version": {"const": VERSION},
        "status": {
            **_STATUS,
            "description": "of all rows together: fail, else incomplete, else indeterminate, else pass",
        },
        "exit_code": {"enum": list(EXIT_CODES.values()), "description": "what `robustgan gate` ends with"},
        "counts": {"type": "object", "properties": counts, "required": list(counts), "description": "rows by status"},
        "run": {"type": "object", "required": ["name"], "description": "what was judged"},
        "policy": {"type": "object", "required": ["name", "gates"], "description": "the whole policy, as it was read"},
        "rows": {"type": "array", "items": _object(_ROW), "description": "one gate at one place each"},
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "robustgan verdict"}
    return {**head, **_object(properties)}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _plain(row: Row) -> dict[str, Any]:
    values = asdict(row)
    undefined = {key for key, value in values.items() if isinstance(value, float) and not math.isfinite(value)}
    return {key: None if key in undefined else values[key] for key in _ROW}
