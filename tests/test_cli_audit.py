"""`robustgan audit`, end to end: planted models on a planted folder of images."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import typer
import yaml
from torch import nn

from robustgan import cli_audit, images, tables
from robustgan.experiment import experiment
from robustgan.report.document import Listing, Table
from robustgan.report.folder import read
from robustgan.report.sections import closing
from tests.models.planted import TINY, export, onnx_file
from tests.test_cli import robustgan

PATIENTS, FIELDS, SIDE = 16, 2, 32
# Bright is benign: P(malignant) = 1/2 where the mean of the green channel is 0.5
WEIGHT, BIAS = torch.tensor([[0.0, 40.0, 0.0], [0.0, -40.0, 0.0]]), torch.tensor([-20.0, 20.0])
AWAY = 0.25  # how far the mean of an image is from the boundary: eight times 8/255


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients whose images are bright or dark, and a table with names of its own."""
    root = tmp_path_factory.mktemp("slides")
    rng = np.random.default_rng(0)
    rows = []
    for patient in range(PATIENTS):
        for field in range(FIELDS):
            ill = patient % 2
            level = (0.5 - AWAY if ill else 0.5 + AWAY) * 255
            pixels = (level + rng.integers(-20, 20, (SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8)
            images.to_png(pixels, root / f"{patient}-{field}.png")
            rows.append(
                {"file": f"{patient}-{field}.png", "class": ("normal", "tumour")[ill], "patient": f"p{patient}"}
            )
    pd.DataFrame(rows).to_csv(root / "all.csv", index=False)
    return root


def words(model: str, slides: Path, *more: str) -> list[str]:
    table = ["--table", "all.csv", "--columns", "path=file,label=class,group=patient"]
    named = [*table, "--labels", "normal=benign,tumour=malignant", "--size", str(SIDE), "--quick"]
    return ["audit", "--model", model, "--data", str(slides), *named, *more]


def rows_of(out: Path, name: str) -> pd.DataFrame:
    return tables.read(out / "reports" / name / "predictions.parquet", tables.PREDICTIONS)


@pytest.mark.slow
def test_a_model_that_only_answers(slides: Path, tmp_path: Path) -> None:
    path = onnx_file(WEIGHT, BIAS, tmp_path / "sound.onnx")
    told = words(str(path), slides, "--eps", "2/255", "--eps", "8/255", "--out", str(tmp_path), "--policy", "release")
    printed = robustgan(*told, code=1)  # six patients of a class are fewer than the policy asks for
    assert "Report:" in printed
    assert "fail           patients" in printed
    assert "Verdict: fail" in printed
    rows = rows_of(tmp_path, "audit-sound")
    assert set(rows["attack"]) == {"clean", "noise", "square"}
    assert (rows["pred"] == rows["label"]).all(), "no mean can move a quarter within 8/255"
    assert (rows["backwards"] == 0).all()
    folds = tables.read(tmp_path / "reports/audit-sound/evidence/manifest.parquet", tables.FOLDS)
    assert folds.groupby("split")["group"].nunique().to_dict() == {"test": PATIENTS - 4, "val": 4}


@pytest.mark.slow
def test_the_recorded_commands_work_where_the_first_was_given(slides: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    onnx_file(WEIGHT, BIAS, tmp_path / "models" / "sound.onnx")
    few = "attacks=[{kind: clean}, {kind: noise, threat: {norm: linf, eps: 8/255}}]"
    told = words("models/sound.onnx", slides, "--out", "results/x", "--set", few, "--set", "strength=null")
    robustgan(*told, cwd=tmp_path)
    report = tmp_path / "results/x/reports/audit-sound"
    command = json.loads((report / "run.json").read_text("utf-8"))["command"]
    assert command == "robustgan run results/x/audit-sound.yaml --out results/x"
    again = robustgan(*shlex.split(command)[1:], "--json", cwd=tmp_path)
    assert {json.loads(line)["event"] for line in again.splitlines()[:-1]} == {"kept"}, "and the report is the same"
    whole, *_, table = closing.reproduce(read(report)).blocks
    assert isinstance(whole, Listing)
    assert isinstance(table, Table)
    assert whole.text == "robustgan run results/x/audit-sound.yaml", "wherever --out is, the report is the same"
    _, (attack, row) = table.rows
    assert attack.text.startswith("Noise")
    robustgan(*shlex.split(row.text)[1:], cwd=tmp_path)
    first, second = rows_of(tmp_path / "results/x", "audit-sound"), rows_of(tmp_path, "audit-sound-row")
    noise = first[first["attack"] == "noise"].reset_index(drop=True)
    pd.testing.assert_frame_equal(noise, second[second["attack"] == "noise"].reset_index(drop=True))


REFUSES = """
import torch

class Refuses(torch.nn.Module):
    def forward(self, x):
        if x.requires_grad:
            raise RuntimeError("planted: no gradient")
        return torch.stack([x[:, 1].mean((1, 2)) * 40 - 20, 20 - x[:, 1].mean((1, 2)) * 40], 1)

build = Refuses
"""


@pytest.mark.slow
def test_a_run_with_failures_is_judged_too(slides: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(REFUSES)
    few = "attacks=[{kind: clean}, {kind: fgsm, threat: {norm: linf, eps: 8/255}}]"
    told = words("mine.py:build", slides, "--run-code", "--set", few, "--set", "strength=null", "--set", "name=failing")
    printed = robustgan(*told, "--policy", "release", cwd=tmp_path, code=1)  # a gate fails, which comes first
    assert re.search(r"FAILED .*fgsm.*planted: no gradient", printed), printed
    assert "incomplete     complete" in printed
    assert "Verdict: fail" in printed
    assert "FAILED" in robustgan(*told, cwd=tmp_path, code=3)


@pytest.mark.parametrize(
    ("verdict", "failed", "code"),
    [(0, False, 0), (4, False, 4), (1, False, 1), (0, True, 3), (4, True, 3), (3, True, 3), (1, True, 1)],
)
def test_the_worse_of_verdict_and_failures_decides(
    verdict: int, failed: bool, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def gate(run: str, policy: str, as_json: bool) -> None:
        raise typer.Exit(verdict)

    monkeypatch.setattr(cli_audit, "gate", gate)
    with pytest.raises(typer.Exit) as left:
        cli_audit._leave(tmp_path, "release", False, failed)
    assert left.value.exit_code == code


def test_without_a_policy_only_failures_count(tmp_path: Path) -> None:
    for failed, code in ((False, 0), (True, 3)):
        with pytest.raises(typer.Exit) as left:
            cli_audit._leave(tmp_path, "", False, failed)
        assert left.value.exit_code == code


def test_a_policy_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli_audit._stated("release") == "release"
    assert cli_audit._stated("mine.yaml") == str(tmp_path / "mine.yaml")


@pytest.mark.slow
def test_an_exported_program_is_attacked_with_its_gradients(slides: Path, tmp_path: Path) -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    with torch.no_grad():  # decides at a mean of 0.74, just below what the bright images have
        network[2].weight.copy_(torch.tensor([[20.0] * 3, [-20.0] * 3]))
        network[2].bias.copy_(torch.tensor([-60 * 0.74, 60 * 0.74]))
    path = export(network, tmp_path / "weak.pt2", side=SIDE)
    out = ["--out", str(tmp_path), "--run-code"]
    robustgan(*words(str(path), slides, *out, "--set", "operating.rule=half"))
    rows = rows_of(tmp_path, "audit-weak")
    assert {"clean", "noise", "fgsm", "pgd", "square", "ensemble"} == set(rows["attack"])
    right = (rows["pred"] == rows["label"]).groupby(rows["attack"]).mean()
    assert right["clean"] == 1
    assert right["pgd"] == 0.5, "every bright image is beside the boundary, no dark one is"
    assert right["ensemble"] == 0.5


def test_a_dry_run_prints_the_config_and_does_nothing(slides: Path, tmp_path: Path) -> None:
    path = onnx_file(WEIGHT, BIAS, tmp_path / "sound.onnx")
    out = tmp_path / "out"
    printed = robustgan(*words(str(path), slides, "--dry-run", "--out", str(out)))
    text, told, _ = re.split(r"^\d+ stages, (then the report)\. Nothing was run\.$", printed, flags=re.MULTILINE)
    assert told == "then the report"
    assert experiment(yaml.safe_load(text)).models[0].model.kind == "onnx"
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--columns", "path=file,label=class"], "no column `group`.*Say which column holds what.*--columns group="),
        (["--table", "none.csv"], r"none.csv: no such file.*CSV table with a row an image.*--table"),
        (["--labels", "normal=benign,cancer=malignant"], "set `labels`.*found 'tumour'"),
        (["--set", "attacks.1.kind=pgd"], "pgd need gradients, and `sound`"),
        (["--set", "split.training=0.9"], "leave nobody to test"),
        (["--size", "50"], "multiple of 16"),
    ],
)
def test_mistakes_have_exit_code_2(slides: Path, tmp_path: Path, change: list[str], said: str) -> None:
    path = onnx_file(WEIGHT, BIAS, tmp_path / "sound.onnx")
    printed = robustgan(*words(str(path), slides, *change, "--dry-run"), code=2).replace("\n", " ")
    assert re.search(said, printed), printed


@pytest.mark.slow
def test_a_head_that_does_not_fit_stops_with_what_was_found(slides: Path, tmp_path: Path) -> None:
    path = onnx_file(WEIGHT, BIAS, tmp_path / "sound.onnx")
    printed = robustgan(*words(str(path), slides, "--head", "malignant", "--out", str(tmp_path)), code=2)
    assert "the model gives 2 outputs an image; the settings say one output (malignant)" in printed


def test_a_function_needs_leave(slides: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TINY)
    told = words(f"{tmp_path / 'mine.py'}:build", slides, "--dry-run")
    assert "--run-code" in robustgan(*told, code=2)
    assert "run_code: true" in robustgan(*told, "--run-code")
