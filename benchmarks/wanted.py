"""What the command lines of the benchmarks share: how much is measured, and where the table goes.

A quick run writes under out/, which git ignores, so that it never takes the place of a committed table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

ROOT = Path(__file__).parents[1]


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A command line with `--quick` and `--out`."""
    found = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--quick", action="store_true", help="measure less")
    found.add_argument("--out", type=Path, help="folder of the table; reports/benchmarks, with --quick out/benchmarks")
    return found


def folder(wanted: argparse.Namespace) -> Path:
    """Where the table goes; the folder is made."""
    found: Path = wanted.out or ROOT / ("out" if wanted.quick else "reports") / "benchmarks"
    found.mkdir(parents=True, exist_ok=True)
    return found
