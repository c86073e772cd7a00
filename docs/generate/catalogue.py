"""What can stand in a config or in a report: kinds, metrics, configs that come along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generate.markdown import code, table
from robustgan.config import kinds, read_yaml, summary
from robustgan.metrics import FOOLING_NAMES, METRIC_NAMES


def kinds_table(package: str) -> str:
    """Every kind of a package with the first sentence of its file."""
    return table(("kind", "what it is"), [(code(kind), summary(package, kind)) for kind in kinds(package)])


def metrics() -> str:
    """Every metric over images and patients."""
    return _named(METRIC_NAMES)


def fooling() -> str:
    """Every rate of images from scratch."""
    return _named(FOOLING_NAMES)


def configs(root: Path) -> str:
    """The configs that come with robustgan."""
    rows = [(code(path.stem), read_yaml(path).get("title", "")) for path in sorted((root / "configs").glob("*.yaml"))]
    return table(("config", "title"), rows)


def _named(names: Mapping[str, str]) -> str:
    return table(("metric", "meaning"), [(code(name), meaning) for name, meaning in names.items()])
