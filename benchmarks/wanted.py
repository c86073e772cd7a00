"""What the benchmarks share: how much is measured, where the table goes, and on which machine it was measured.

A quick run writes under out/, which git ignores, so that it never takes the place of a committed table.
"""

from __future__ import annotations

import argparse
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

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


def machine(threads: int | str) -> dict[str, Any]:
    """Where and when a row was measured; `load`: runnable processes, more than the cores take turns."""
    found = [f"{name} {version(name)}" for name in ("torch", "torchvision", "pandas", "numpy")]
    return {
        "threads": threads,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "versions": "; ".join([f"Python {platform.python_version()}", *found]),
    }
