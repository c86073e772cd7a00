"""Versions of interfaces that other programs rely on and that carry no version elsewhere (docs/interfaces.md).

Within a version things are added, never renamed, removed or given another meaning. Columns of tables have theirs in
`tables.VERSION`, the verdict has its own in `gates.document.VERSION`.
"""

CONFIG = 1  # settings of a config file, and its JSON Schema
POLICY = 1  # settings of a policy file, and its JSON Schema
STATUS = 1  # what `robustgan status --json` prints
EXIT_CODES = 1  # of all commands


def schema_id(interface: str, version: int) -> str:
    """The `$id` of a JSON Schema: a name and a version, and no place in the network."""
    return f"urn:robustgan:{interface}:{version}"
