"""What the quickstart costs, stage by stage: seconds and memory, on this machine, from an empty folder.

Run it with nothing else on the machine:  python -m benchmarks.quickstart [--config smoke] [--repeat 3] [--quick]
It writes reports/benchmarks/quickstart.csv (seconds, median of the repeats; highest memory so far, MiB), and fails
when the whole takes more than the promised 5 minutes or 3 GiB. `--quick` is the config `smoke`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.wanted import folder, parser

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
    line = parser(__doc__)
    line.add_argument("--config", default="quickstart")
    line.add_argument("--repeat", type=int, default=1)
    wanted = line.parse_args()
    if wanted.quick:
        wanted.config = "smoke"
    runs = pd.concat([measure(wanted.config) for _ in range(wanted.repeat)])
    table = runs.groupby("stage", sort=False).agg(seconds=("seconds", "median"), peak_mib=("peak_mib", "max")).round(1)
    table.to_csv(folder(wanted) / f"{wanted.config}.csv")
    print(table.to_string())
    whole = table.loc["the whole command"]
    return int(whole["seconds"] > SECONDS or whole["peak_mib"] > MIB)


if __name__ == "__main__":
    sys.exit(main())
