"""How long a command takes that only looks: wall time and processor time of fresh processes.

    python -m benchmarks.startup

The median over the repeats; what is promised is under half a second on a machine that does nothing else, so `load` says
what else it did. `pipeline_speed.py` puts these rows into its table.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time

import pandas as pd

COMMANDS = ("--help", "list attacks", "list metrics", "list gates", "plan quickstart", "plan audit")
REPEATS = 5


def measured(command: str, repeats: int = REPEATS) -> dict[str, object]:
    """Median seconds of one command; once more before, so that files are in memory and compiled."""
    words = [sys.executable, "-m", "robustgan", *command.split()]
    subprocess.run(words, check=True, capture_output=True)
    walls, works = [], []
    for _ in range(repeats):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        walls.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        works.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {
        "what": f"start-up: robustgan {command}", "seconds": round(statistics.median(walls), 3),
        "cpu_seconds": round(statistics.median(works), 3), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def table(repeats: int = REPEATS) -> pd.DataFrame:
    """One row a command."""
    return pd.DataFrame([measured(command, repeats) for command in COMMANDS])


if __name__ == "__main__":
    print(table().to_string(index=False))
