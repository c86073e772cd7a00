"""What can stand in a config or in a report: kinds, metrics, configs that come along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generate.markdown import code, table
from robustgan.config import kinds, read_yaml, summary
from robustgan.gates import atlas
from robustgan.metrics import FOOLING_NAMES, METRIC_NAMES, PEOPLE_NAMES
from robustgan.report import techniques as known
from robustgan.splits import protocols as split_protocols


def kinds_table(package: str) -> str:
    """Every kind of a package with the first sentence of its file."""
    return table(("kind", "what it is"), [(code(kind), summary(package, kind)) for kind in kinds(package)])


def metrics() -> str:
    """Every metric over images and patients."""
    return _named(METRIC_NAMES)


def fooling() -> str:
    """Every rate of images from scratch."""
    return _named({**FOOLING_NAMES, **PEOPLE_NAMES})


def protocols() -> str:
    """Every split protocol."""
    return table(("protocol", "what it does"), [(code(name), text) for name, text in split_protocols().items()])


def techniques() -> str:
    """What each attack supposes, in the words of MITRE ATLAS and of NIST."""
    every = [(code(kind), one) for kind, one in known.KINDS.items()]
    every += [(f"`advgan`, `knowledge: {name}`", one) for name, one in known.KNOWLEDGE.items()]
    every += [("`art` with a method that asks", known.QUERY), ("`transfer: true`", known.MOVED)]
    rows = [(name, one.knowledge, one.access, ", ".join(map(_atlas, one.atlas)), one.nist) for name, one in every]
    header = ("attack", "knows", "is given", f"MITRE ATLAS {atlas.VERSION}", f"NIST {known.NIST}")
    return table(header, rows)


def _atlas(name: str) -> str:
    return f"{name} {known.NAMES[name]}"


def configs(root: Path) -> str:
    """The configs that come with robustgan."""
    rows = [(code(path.stem), read_yaml(path).get("title", "")) for path in sorted((root / "configs").glob("*.yaml"))]
    return table(("config", "title"), rows)


def _named(names: Mapping[str, str]) -> str:
    return table(("metric", "meaning"), [(code(name), meaning) for name, meaning in names.items()])
