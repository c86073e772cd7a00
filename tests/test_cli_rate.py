"""`robustgan rate`: from a run to scores."""

import json
from pathlib import Path

import pandas as pd
from typer.testing import CliRunner

from robustgan import cli
from robustgan.rating.key import CLASSES
from tests.rating.conftest import write_run
from tests.test_cli import robustgan


def test_from_a_run_to_scores(tmp_path: Path) -> None:
    report = write_run(tmp_path / "run")
    out = tmp_path / "sheet"
    made = json.loads(robustgan("rate", "make", str(report), "--out", str(out), "--images", "8", "--json"))
    assert made == {"folder": str(out), "key": str(tmp_path / "sheet.key.csv"), "real": 8, "generated": 8, "twice": 2}
    key = pd.read_csv(made["key"], keep_default_na=False)
    sheet = pd.read_csv(out / "ratings.csv", dtype=str)
    labels = [CLASSES[label] for label in key["label"]]
    sheet.assign(real_or_generated=key["kind"], label=labels, confidence="4").to_csv(out / "ana.csv", index=False)
    plain = json.loads(robustgan("rate", "score", str(out), "--json"))
    assert plain["shares"]["ana"]["accuracy"]["value"] == 1
    assert plain["shares"]["ana"]["label_correctness"]["n"] == 8
    told = robustgan("rate", "score", str(out), str(out / "ana.csv"))
    assert "label_correctness           1.000 (" in told


def test_mistakes_have_exit_code_2(tmp_path: Path) -> None:
    said = robustgan("rate", "make", str(tmp_path), "--out", str(tmp_path / "x"), code=2)
    assert "neither a report nor a folder" in said
    assert "no key there" in robustgan("rate", "score", str(tmp_path / "x"), code=2)


def test_help_has_examples() -> None:
    told = CliRunner().invoke(cli.app, ["rate", "make", "--help"]).output
    assert "robustgan rate make reports/quickstart --out rating" in " ".join(told.split())
