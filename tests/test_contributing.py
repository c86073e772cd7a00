"""CONTRIBUTING.md keeps its word: attack, data set, model and metric, each dropped into a copy of the package."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
CONFIG = """
name: dropped
dataset: {kind: stripes}
pixels: {size: 32}
split: {protocol: accession-cv2, folds: [1, 2]}
models:
  - {name: twolayer, model: {kind: twolayer}, training: {epochs: 12, batch: 8, lr: 2e-2, patience: 12}}
attacks:
  - {kind: clean}
  - {kind: darken, threat: {norm: linf, eps: 64/255}}
"""


def blocks() -> dict[str, str]:
    """Code of the examples by the file that their first line names."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return dict(re.findall(r"```python\n# (robustgan/\S+?)(?:: FLIPS)?\n(.*?)```", text, re.DOTALL))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package with the four examples dropped in."""
    shutil.copytree(ROOT / "robustgan", tmp_path / "robustgan", ignore=shutil.ignore_patterns("__pycache__"))
    examples = blocks()
    definitions = tmp_path / examples.popitem()[0]
    assert definitions.name == "definitions.py"
    text = definitions.read_text("utf-8")
    definitions.write_text(
        text.replace("FLIPS = {\n", "FLIPS = {\n" + blocks()[f"robustgan/metrics/{definitions.name}"])
    )
    for name, code in examples.items():
        assert not (tmp_path / name).exists()
        (tmp_path / name).write_text(code)
    (tmp_path / "dropped.yaml").write_text(CONFIG)
    return tmp_path


def call(copy: Path, *words: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, "-m", "robustgan", *words], cwd=copy, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_is_dropped_in_is_listed_run_and_reported(copy: Path) -> None:
    for what, name in (
        ("attacks", "darken"),
        ("datasets", "stripes"),
        ("models", "twolayer"),
        ("metrics", "certain_errors"),
    ):
        assert name in json.loads(call(copy, "list", what, "--json"))
    call(copy, "run", "dropped.yaml")
    metrics = pd.read_csv(copy / "reports" / "dropped" / "metrics.csv")
    assert {"clean", "darken"} <= set(metrics["attack"])
    assert "certain_errors" in set(metrics["metric"])
    report = (copy / "reports" / "dropped" / "report.md").read_text("utf-8")
    assert "darken" in report
    assert "stripes" in report
