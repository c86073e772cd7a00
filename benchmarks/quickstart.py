"""What the quickstart costs, stage by stage: seconds and memory, on this machine, from an empty folder.

Run it with nothing else on the machine:  python benchmarks/quickstart.py [--config smoke] [--repeat 3]
It writes reports/benchmarks/quickstart.csv (seconds, median of the repeats; highest memory so far, MiB), and fails
when the whole takes more than the promised 5 minutes or 3 GiB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

SECONDS, MIB = 300, 3 * 1024  # what the README promises for the quickstart on 2 cores


def measure(config: str) -> pd.DataFrame:
    """Run a config in a fresh folder with the installed command; one row a stage, and one for the whole command."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        command = [sys.executable, "-m", "robustgan", "run", config, "--out", out, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        run = json.loads(next(Path(out).glob("reports/*/run.json")).read_text("utf-8"))
    rows = [{"stage": s["name"], "seconds": s["seconds"], "peak_mib": s["peak_mib"]} for s in run["stages"]]
    peak = max(row["peak_mib"] for row in rows)
    return pd.DataFrame([*rows, {"stage": "the whole command", "seconds": seconds, "peak_mib": peak}])


def main() -> int:
    """Measure, write the table, print it, and say whether the promise holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="quickstart")
    parser.add_argument("--repeat", type=int, default=1)
    wanted = parser.parse_args()
    runs = pd.concat([measure(wanted.config) for _ in range(wanted.repeat)])
    table = runs.groupby("stage", sort=False).agg(seconds=("seconds", "median"), peak_mib=("peak_mib", "max")).round(1)
    folder = Path(__file__).parents[1] / "reports" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"{wanted.config}.csv")
    print(table.to_string())
    whole = table.loc["the whole command"]
    return int(whole["seconds"] > SECONDS or whole["peak_mib"] > MIB)


if __name__ == "__main__":
    sys.exit(main())
