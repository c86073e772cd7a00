"""What the pages take from the code, by name. Plain Python without torch and without MkDocs."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from generate import catalogue, commands, measured, settings, tables, verdicts

MARK = re.compile(r"<!-- generate: ([a-z:-]+) -->")


def producers(root: Path) -> dict[str, Callable[[], str]]:
    """Every name that a page may ask for, with what makes its Markdown."""
    return {
        **{package: partial(catalogue.kinds_table, package) for package in ("attacks", "datasets", "models")},
        "metrics": catalogue.metrics,
        "fooling": catalogue.fooling,
        "protocols": catalogue.protocols,
        "techniques": catalogue.techniques,
        "configs": partial(catalogue.configs, root),
        "tables": tables.every_table,
        "tables-version": tables.version,
        "settings": settings.config,
        **{f"settings:{package}": partial(settings.kinds_of, package) for package in ("attacks", "datasets", "models")},
        "commands": commands.every_command,
        "gates": verdicts.gates,
        "exits": verdicts.exits,
        "interfaces": verdicts.interfaces,
        "verdict": verdicts.verdict,
        "checks": verdicts.checks,
        "coverage": partial(measured.coverage, root),
        "coverage-images": partial(measured.coverage_images, root),
        "coverage-aim": partial(measured.coverage_aim, root),
        "cost-model": partial(measured.cost_model, root),
        "scaling": partial(measured.scaling, root),
        "pipeline-speed": partial(measured.pipeline_speed, root),
        "parity": partial(measured.whole, "parity", root),
        "parity-seeds": partial(measured.whole, "parity_seeds", root),
    }


def fill(markdown: str, root: Path) -> str:
    """Put the generated Markdown where a page asks for it.

    Raises:
        KeyError: a page asks for a name that nothing is generated under.
    """
    known = producers(root)
    return MARK.sub(lambda found: known[found[1]](), markdown)
