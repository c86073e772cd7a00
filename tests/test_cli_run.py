"""`robustgan run`, whole: how it is stopped, and what it says at its end of where the time went."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import TINY
from tests.test_cli import robustgan

MODEL = "{kind: densenet, variant: compact, growth_rate: 4, block_config: [1, 1]}"
CHANGES = (
    f"models=[{{name: densenet, model: {MODEL}, training: {{epochs: 1, batch: 16}}}}]",
    "attacks=[{kind: clean}, {kind: fgsm, threat: {norm: linf, eps: 8/255}}]",
    "oracles=[]",
    "strength=null",
    "operating={rule: half}",
)


def profile(out: Path) -> list[dict[str, str]]:
    with (out / "profile.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def object_of(printed: str, key: str) -> dict[str, Any]:
    """The line of JSON that begins with a key; around it are those of the stages, and what is meant for people."""
    (line,) = (line for line in printed.splitlines() if line.startswith(f'{{"{key}":'))
    found: dict[str, Any] = json.loads(line)
    return found


CALL = """
import signal, sys
from robustgan.cli import main
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests in the background ignores it
    main()
"""


@pytest.mark.parametrize("backend", ["local", "here"])
def test_ctrl_c_ends_a_run_with_a_message(tmp_path: Path, backend: str) -> None:
    words = ["run", "smoke", "--out", str(tmp_path / "out"), "--backend", backend]
    (tmp_path / "call.py").write_text(CALL)
    run = subprocess.Popen(
        [sys.executable, tmp_path / "call.py", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    assert "begins" in run.stdout.readline()
    run.send_signal(signal.SIGINT)
    assert run.communicate(timeout=60)[1].endswith("Stopped. The same command goes on from here.\n")
    assert run.returncode == 130


@pytest.mark.slow
def test_where_the_time_went_is_said_and_written(tmp_path: Path) -> None:
    run = ("run", str(TINY), *(word for one in CHANGES for word in ("--set", one)), "--out", str(tmp_path), "--profile")
    said = robustgan(*run, "--shard", "1/3")
    rows = profile(tmp_path)
    there = {row["name"] for row in rows}
    assert f"Profile: {tmp_path / 'profile.csv'}" in said
    assert f"Slowest stage: {rows[0]['name']}, {float(rows[0]['seconds']):.1f} of " in said

    shard = object_of(robustgan(*run, "--shard", "2/3", "--json"), "shard")
    assert shard["slowest"]["name"] in {row["name"] for row in profile(tmp_path)}
    assert (shard["shard"], shard["failures"]) == ([2, 3], 0)

    printed = object_of(robustgan(*run, "--json"), "report")
    rows = profile(tmp_path)
    stages = [row for row in rows if row["seconds"]]
    assert there < {row["name"] for row in stages}  # of the first shard and of what was left
    assert [row["seconds"] for row in stages] == sorted((row["seconds"] for row in stages), key=float, reverse=True)
    worked = {row["name"] for row in rows if row["kernel"].startswith("aten::") and float(row["cpu_ms"]) > 0}
    assert worked >= {row["name"] for row in stages if row["stage"] in ("classifier", "attacked", "inspected")}
    report = json.loads((tmp_path / "reports" / "tiny" / "run.json").read_text("utf-8"))
    worst = max(report["stages"], key=lambda stage: stage["seconds"])
    slowest = {"name": worst["name"], "seconds": worst["seconds"], "total": report["seconds"]}
    assert printed == {"report": str(tmp_path / "reports" / "tiny"), "failures": [], "slowest": slowest}
