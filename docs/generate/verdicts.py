"""Gates and strength checks, from the modules that judge."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pandas as pd

from generate.markdown import cell, code, table
from generate.settings import section
from robustgan import strength, tables

ABSENT = "*Not in this version.*"


def gates() -> str:
    """Settings of every family of gates, and the kinds that each stands for."""
    if find_spec("robustgan.gates.policy") is None:
        return ABSENT
    policy = import_module("robustgan.gates.policy")
    found = []
    for family in policy.families():
        kinds = ", ".join(code(kind) for kind in policy.words(family))
        found.append(section(cell(family.__name__), family, family.model_json_schema(), f"Kinds: {kinds}."))
    return "\n\n".join(found)


def kinds() -> list[str]:
    """Every kind of gate."""
    if find_spec("robustgan.gates.policy") is None:
        return []
    return sorted(import_module("robustgan.gates.policy").kinds())


def checks() -> str:
    """Every strength check: what a sound evaluation shows, and whether a verdict needs it."""
    if not hasattr(strength, "checks"):
        return ABSENT
    rows = [(code(row.check), row.expected, row.check in strength.REQUIRED) for row in unmeasured().itertuples()]
    named = [(check, expected, "required" if needed else "") for check, expected, needed in rows]
    return table(("check", "what a sound evaluation shows", "for a verdict"), named)


def unmeasured() -> pd.DataFrame:
    """What the checks say of a classifier that nobody has probed: all their names."""
    return strength.checks(tables.empty(tables.PROBES), {"any": {"1": {}}}, tables.empty(tables.PREDICTIONS))
