"""How long a command takes that only looks: wall time and processor time of fresh processes.

    python -m benchmarks.startup

The median over the repeats; what is promised is under half a second on a machine that does nothing else, so `load` says
what else it did. Files are in memory and Python's are compiled, as after an installation: each command is run once
before. `idc_subset` finds as many files of random bytes, of the size of its patches, under --data: a plan reads them
all, and decodes none. `pipeline_speed.py` puts these rows into its table.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

COMMANDS = (
    "--help", "list attacks", "list models", "list datasets", "list configs", "list metrics", "list gates",
    "plan quickstart", "plan audit", "plan idc_subset",
)  # fmt: skip
REPEATS = 5
FILES, BYTES, PATIENTS = 7192, 8192, 199  # of idc_subset


def plant(data: Path, files: int = FILES) -> None:
    """Files in the places where `idc_subset` looks for its patches, and a manifest of as many columns as its own."""
    root, rng = data / "idc_subset", random.Random(0)
    lines = ["file,sha256,width,height,class,patient_id,x,y,repo,commit,path"]
    for i in range(files):
        kind, patient = ("non_idc", "idc")[i % 2], i % PATIENTS
        path = root / f"patches/{patient}/{i % 2}/{patient}_x{i}_class{i % 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(BYTES))
        lines.append(f"{path.relative_to(root)},{i:064x},50,50,{kind},{patient},{i},{i},owner/repository,{i:040x},{i}")
    (root / "manifest.csv").write_text("\n".join(lines) + "\n", "utf-8")


def measured(command: str, data: Path, repeats: int = REPEATS) -> dict[str, object]:
    """Median seconds of one command; once more before, so that files are in memory and compiled."""
    words = [sys.executable, "-m", "robustgan", *command.split()]
    place = {**os.environ, "ROBUSTGAN_DATA": str(data), "PYTHONPYCACHEPREFIX": str(data / "compiled")}
    place.pop("PYTHONDONTWRITEBYTECODE", None)
    walls, works = [], []
    for number in range(repeats + 1):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(words, check=True, capture_output=True, env=place)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if number:
            walls.append(time.perf_counter() - start)
            works.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {
        "what": f"start-up: robustgan {command}", "seconds": round(statistics.median(walls), 3),
        "cpu_seconds": round(statistics.median(works), 3), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def table(repeats: int = REPEATS) -> pd.DataFrame:
    """One row a command."""
    with tempfile.TemporaryDirectory() as data:
        plant(Path(data))
        return pd.DataFrame([measured(command, Path(data), repeats) for command in COMMANDS])


if __name__ == "__main__":
    print(table().to_string(index=False))
