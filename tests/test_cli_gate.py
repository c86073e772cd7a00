"""`robustgan gate` and `robustgan compare`: what people type, what they are told, and the exit code."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

import jsonschema
import pandas as pd
import pytest
import yaml

from robustgan import cli, tables
from robustgan.gates import document
from robustgan.shipped import policy_path
from tests.gates import cases
from tests.report import planted
from tests.test_cli import BLOCKER
from tests.test_cli import robustgan as in_a_process

POLICY = {
    "name": "small",
    "gates": [
        {"name": "sensitive", "kind": "clean_sensitivity", "limit": 0.7, "bound": "low", "why": "It must work."},
        {"name": "robust", "kind": "missed_cancers", "limit": 0.25, "bound": "high", "why": "It must hold."},
    ],
}
KEEPS = {
    "name": "keeps",
    "kind": "no_regression",
    "metric": "accuracy",
    "limit": 0.2,
    "bound": "high",
    "why": "As good.",
}


def folder(path: Path, falls: float = 0.0, **changes: object) -> Path:
    """A report folder that `gate` can read: robust or not, whole or not."""
    rows = cases.predictions(falls=falls)
    place = path / "evidence"
    place.mkdir(parents=True)
    tables.write(rows, tables.PREDICTIONS, path / "predictions.parquet")
    tables.write(cases.folds(rows), tables.FOLDS, place / "manifest.parquet")
    tables.write(planted.leaks(), tables.LEAKS, place / "leaks.csv")
    tables.write(changes.pop("strength", cases.strength()), tables.STRENGTH, path / "strength.csv")
    (place / "run.json").write_text(json.dumps(planted.run(config=cases.config(), **changes)), "utf-8")
    return path


@pytest.fixture
def robustgan(runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command among the runs, in this process, which is much quicker; returns what it printed."""
    monkeypatch.chdir(runs)

    def call(*words: str, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["robustgan", *words])
        monkeypatch.setenv("COLUMNS", "100")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        assert (ended.value.code or 0) == code, told
        return told.out + told.err

    return call


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Report folders of four kinds, and policies."""
    here = tmp_path_factory.mktemp("runs")
    folder(here / "robust")
    folder(here / "broken", falls=0.5)
    folder(here / "weak", strength=cases.strength(iterations="fail"))
    folder(here / "unfinished", failures=[{"stage": "attack pgd", "reason": "the disk was full"}])
    (here / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    (here / "update.yaml").write_text(yaml.safe_dump({**POLICY, "gates": [*POLICY["gates"], KEEPS]}))
    return here


@pytest.mark.parametrize(
    ("run", "code", "word"),
    [("robust", 0, "pass"), ("broken", 1, "fail"), ("unfinished", 3, "incomplete"), ("weak", 4, "indeterminate")],
)
def test_the_exit_code_is_the_verdict(
    robustgan: Callable[..., str], runs: Path, run: str, code: int, word: str
) -> None:
    said = robustgan("gate", run, "--policy", "policy.yaml", code=code)
    assert f"Verdict: {word} (" in said
    assert len(said.splitlines()) == len(cases.ATTACKS) + 2  # complete, sensitive, pgd, fgsm, worst-case; the verdict


def test_every_format_at_once(robustgan: Callable[..., str], runs: Path, tmp_path: Path) -> None:
    files = {kind: tmp_path / "new" / f"gate.{kind}" for kind in ("junit", "sarif", "verdict", "markdown")}
    options = [word for kind, file in files.items() for word in (f"--{kind}", str(file))]
    printed = robustgan("gate", "broken", "--policy", "policy.yaml", "--json", *options, code=1)
    jsonschema.validate(json.loads(printed), document.schema())
    assert json.loads(files["verdict"].read_text()) == json.loads(printed)
    assert ElementTree.parse(files["junit"]).getroot().get("failures") == "3"
    result = json.loads(files["sarif"].read_text())["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "policy.yaml"
    assert (runs / "policy.yaml").read_text().splitlines()[place["region"]["startLine"] - 1].startswith("- ")
    assert files["markdown"].read_text().startswith("## ❌ robustgan: fail")


@pytest.mark.parametrize(
    "policy", ["policy.yaml", "sub/a policy.yaml", "{elsewhere}/policy #1.yaml", "../{outside}/p.yaml", "release"]
)
def test_sarif_names_the_policy_where_it_is(
    robustgan: Callable[..., str], runs: Path, tmp_path: Path, policy: str
) -> None:
    outside = runs.parent / "outside"
    given = policy.format(elsewhere=tmp_path, outside=outside.name)
    file = policy_path(given) if given == "release" else runs / given
    if given != "release":
        file.parent.mkdir(exist_ok=True)
        file.write_text((runs / "policy.yaml").read_text())
    robustgan("gate", "broken", "--policy", given, "--sarif", str(tmp_path / "gate.sarif"), code=1)
    result = json.loads((tmp_path / "gate.sarif").read_text())["runs"][0]["results"][0]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    here = runs.as_uri() + "/"
    named = Path(unquote(urlsplit(urljoin(here, uri)).path))
    assert named == file.resolve(), "whoever reads it finds the file there"
    assert uri.startswith("file:///") == (not file.resolve().is_relative_to(runs))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere", "--policy", "policy.yaml"], "no report folder"),
        (["robust", "--policy", "strict"], "neither a file nor a policy"),
        (["robust", "--policy", "relase"], "Did you mean `release`"),
        (["robust", "--policy", "nowhere.yaml"], "no such file"),
        (["robust", "--policy", "policy.yaml", "--baseline", "broken"], "no_regression"),
        (["robust"], "--policy"),
    ],
)
def test_wrong_usage_is_2(robustgan: Callable[..., str], runs: Path, words: list[str], told: str) -> None:
    assert told in robustgan("gate", *words, code=2)


@pytest.mark.parametrize(("run", "baseline", "code"), [("robust", "robust", 0), ("broken", "robust", 1)])
def test_a_baseline(robustgan: Callable[..., str], runs: Path, run: str, baseline: str, code: int) -> None:
    said = robustgan("gate", run, "--policy", "update.yaml", "--baseline", baseline, code=code)
    assert "keeps  densenet, pooled, pgd linf 8/255" in said


def test_a_policy_by_name(robustgan: Callable[..., str], runs: Path) -> None:
    assert "no survival.parquet" in robustgan("gate", "robust", "--policy", "research", code=4)


def test_compare(robustgan: Callable[..., str], runs: Path) -> None:
    rows = json.loads(robustgan("compare", "robust", "broken", "--json"))
    found = {(row["attack"], row["magnification"], row["metric"]): row for row in rows}
    assert found["pgd", "pooled", "accuracy"]["difference"] == pytest.approx(-0.5, abs=0.02)
    assert found["pgd", "pooled", "accuracy"]["high"] < 0
    assert found["clean", "pooled", "accuracy"]["difference"] == 0
    assert all(row["eps"] is None for row in rows if row["attack"] == "clean")
    text = robustgan("compare", "robust", "broken")
    assert "densenet, pgd linf 8/255, pooled, accuracy: 100.0 % -> " in text
    printed = robustgan("compare", "robust", "broken", "--csv")
    (runs / "compared.csv").write_text(printed)
    assert len(pd.read_csv(runs / "compared.csv")) == len(rows) == len(text.splitlines())


def test_compare_says_what_only_one_run_has(robustgan: Callable[..., str], runs: Path, tmp_path: Path) -> None:
    folder(tmp_path / "less")
    path = tmp_path / "less" / "predictions.parquet"
    rows = tables.read(path, tables.PREDICTIONS)
    tables.write(rows[rows["attack"] != "fgsm"].reset_index(drop=True), tables.PREDICTIONS, path)
    said = [line for line in robustgan("compare", "robust", str(tmp_path / "less")).splitlines() if "fgsm" in line]
    assert said
    assert all("only" in line and "nan" not in line for line in said), said


def test_compare_names_a_model_that_is_there(robustgan: Callable[..., str], runs: Path) -> None:
    assert "densenet" in robustgan("compare", "robust", "broken", "--model", "vit", code=2)


def test_help_lists_the_exit_codes(robustgan: Callable[..., str]) -> None:
    said = " ".join(robustgan("gate", "--help").split())
    assert "0 every gate passes; 1 a gate fails; 2 wrong usage; 3 the run is incomplete" in said
    assert "robustgan gate reports/audit --policy release" in said


def test_the_installed_command_needs_no_torch(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKER)
    env = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    in_a_process("gate", "broken", "--policy", "policy.yaml", cwd=runs, env=env, code=1)


@pytest.mark.parametrize("what", ["policy", "verdict"])
def test_schemas_are_published(robustgan: Callable[..., str], what: str) -> None:
    published = Path(cli.__file__).parents[1] / "configs" / f"{what}.schema.json"
    assert json.loads(robustgan("schema", what)) == json.loads(published.read_text("utf-8"))
