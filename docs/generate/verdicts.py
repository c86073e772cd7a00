"""Gates, strength checks and the verdict, from the modules that judge."""

from __future__ import annotations

import pandas as pd

from generate.markdown import code, table
from generate.settings import section
from robustgan import stable, strength, tables
from robustgan.gates import document, policy
from robustgan.gates.rows import EXIT_CODES

MEANINGS = {
    "pass": "every gate passes",
    "fail": "at least one gate does not hold, whatever else is missing",
    "incomplete": "stages failed, or attacks and images are missing, and nothing that is there fails",
    "indeterminate": "the evidence does not decide: too few patients, weak attacks, something not measured",
}


def gates() -> str:
    """Settings of a policy and of every family of gates, with the kinds that each stands for."""
    found = [section("Policy", policy.Policy, policy.Policy.model_json_schema())]
    for family in policy.families():
        title = (family.__doc__ or "").partition("\n")[0].rstrip(".")
        kinds = ", ".join(code(kind) for kind in policy.words(family))
        found.append(section(title, family, family.model_json_schema(), f"Kinds: {kinds}."))
    return "\n\n".join(found)


def exits() -> str:
    """The exit code of every verdict."""
    return table(("verdict", "exit code", "when"), [(code(s), n, MEANINGS[s]) for s, n in EXIT_CODES.items()])


def verdict() -> str:
    """The keys of the JSON document, and of each of its rows."""
    schema = document.schema()["properties"]
    rows = schema["rows"]["items"]["properties"]
    head = f"`schema_version`: **{document.VERSION}**.\n\n"
    return head + _keys(schema) + "\n\nKeys of each of the `rows`:\n\n" + _keys(rows)


def interfaces() -> str:
    """Every stable interface: its version, and where that stands for programs."""
    config, policy_id = (stable.schema_id(*one) for one in (("config", stable.CONFIG), ("policy", stable.POLICY)))
    rows = [
        ("columns of tables", tables.VERSION, "`robustgan.tables.VERSION`; [Tables](reference/tables.md)"),
        ("config", stable.CONFIG, f"`$id` {code(config)} of what `robustgan schema` prints"),
        (
            "policy",
            stable.POLICY,
            f"`$id` {code(policy_id)} of what `robustgan schema policy` prints",
        ),
        (
            "verdict as JSON",
            document.VERSION,
            "`schema_version` in the file; `robustgan schema verdict`",
        ),
        ("status as JSON", stable.STATUS, "`schema_version` in each line; [below](#status-as-json)"),
        ("exit codes", stable.EXIT_CODES, "`robustgan.stable.EXIT_CODES`; [below](#exit-codes)"),
        ("SARIF", "2.1.0", "fingerprints `robustganGate/v1`; [Gates](gates.md#what-is-written)"),
    ]
    return table(("interface", "version", "where it stands"), rows)


def checks() -> str:
    """Every strength check: what a sound evaluation shows, and whether a verdict needs it."""
    rows = [(code(row.check), row.expected, row.check in strength.REQUIRED) for row in unmeasured().itertuples()]
    named = [(check, expected, "required" if needed else "") for check, expected, needed in rows]
    return table(("check", "what a sound evaluation shows", "for a verdict"), named)


def unmeasured() -> pd.DataFrame:
    """What the checks say of a classifier that nobody has probed: all their names."""
    return strength.checks(tables.empty(tables.PROBES), {"any": {"1": {}}}, tables.empty(tables.PREDICTIONS))


def _keys(properties: dict[str, dict[str, object]]) -> str:
    return table(("key", "meaning"), [(code(key), one.get("description", "")) for key, one in properties.items()])
