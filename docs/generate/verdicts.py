"""Gates and strength checks, from the modules that judge."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from generate.markdown import cell, code, table
from generate.settings import section

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
    """Every strength check with what it asks."""
    names = named()
    return table(("check", "what it asks"), [(code(n), text) for n, text in names.items()]) if names else ABSENT


def named() -> dict[str, str]:
    """Every strength check by name."""
    if find_spec("robustgan.strength.checks") is None:
        return {}
    found: dict[str, str] = import_module("robustgan.strength.checks").NAMES
    return found
