"""The whole run: complete, repeatable to the byte, resumed after a kill in every step, honest about what failed."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from robustgan import tables
from robustgan.config import read_yaml
from robustgan.errors import InputError, RunError
from robustgan.execute import Manner
from robustgan.experiment import experiment
from robustgan.journal import silent
from robustgan.pipeline import run
from robustgan.stage import Place
from robustgan.stages import stages

SMOKE = Path(__file__).parents[1] / "configs" / "smoke.yaml"
KILLED = Path(__file__).with_name("killed.py")
STEPS = (
    *("manifest", "pixels", "split", "classifier", "inspected", "operating", "probed", "generator", "attacked"),
    *("forged", "report"),
)


def arguments(out: Path) -> list[str]:
    return ["run", str(SMOKE), "--out", str(out), "--json"]


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "robustgan", *arguments(out)]


def contents(out: Path) -> dict[str, bytes]:
    """Bytes of every file of the report but `run.json`, which holds durations."""
    folder = out / "reports" / "smoke"
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p != folder / "run.json"
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(command(out), check=True, capture_output=True)
    return out


@pytest.mark.slow
def test_every_image_has_a_row_in_every_cell(finished: Path) -> None:
    plan = experiment(read_yaml(SMOKE))
    rows = tables.read(finished / "reports/smoke/predictions.parquet", tables.PREDICTIONS)
    folds = tables.read(finished / "reports/smoke/evidence/manifest.parquet", tables.FOLDS)
    tested = set(folds.loc[folds["split"] == "test", "image_id"])
    cells = rows.groupby(["attack", "norm", "eps"], dropna=False)["image_id"]
    assert len(cells) == sum(attack.paired for attack in plan.attacks)
    assert all(set(ids) == tested and len(ids) == len(tested) for _, ids in cells)


@pytest.mark.slow
def test_clean_rows_are_unchanged_and_attacked_rows_stay_in_budget(finished: Path) -> None:
    rows = tables.read(finished / "reports/smoke/predictions.parquet", tables.PREDICTIONS)
    clean = rows[rows["attack"] == "clean"]
    assert (clean["linf"] == 0).all()
    assert (clean["score"] == clean["clean_score"]).all()
    for norm in ("linf", "l2"):
        bounded = rows[rows["norm"] == norm]
        assert (bounded[norm] <= bounded["eps"] + 1e-6).all()


@pytest.mark.slow
def test_the_same_command_again_redoes_nothing(finished: Path) -> None:
    before = contents(finished)
    printed = subprocess.run(command(finished), check=True, capture_output=True, text=True).stdout
    events = [json.loads(line) for line in printed.splitlines()[:-1]]
    assert {event["event"] for event in events} == {"kept"}
    assert contents(finished) == before


@pytest.mark.slow
def test_a_kill_in_every_step_changes_nothing(finished: Path, tmp_path: Path) -> None:
    for step in STEPS:
        died = subprocess.run(
            [sys.executable, "-P", str(KILLED), step, *arguments(tmp_path), "--backend", "here"],
            capture_output=True,
            check=False,
        )
        assert died.returncode == -signal.SIGKILL, f"{step}: {died.stderr.decode()}"
        assert any((tmp_path / "runs" / step).glob("*.partial")), f"the kill came after {step}"
    subprocess.run(command(tmp_path), check=True, capture_output=True)
    assert contents(tmp_path) == contents(finished)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.slow
def test_a_full_disk_is_named_and_nothing_finished_is_lost(finished: Path, disk: Path) -> None:
    kept: set[Path] = set()
    for size in ("96k", "900k", "2500k"):  # full while it lists images, decodes them, trains
        subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
        failed = subprocess.run(command(disk), capture_output=True, check=False, text=True)
        assert failed.returncode == 2, failed.stderr
        assert "the disk is full" in failed.stderr
        done = {path for path in (disk / "runs").glob("*/*") if not path.name.endswith(".partial")}
        assert done >= kept
        kept = done
    assert kept
    subprocess.run(["mount", "-o", "remount,size=500m", disk], check=True)
    subprocess.run(command(disk), check=True, capture_output=True)
    assert contents(disk) == contents(finished)


@pytest.mark.slow
def test_the_report_can_be_rendered_again_without_its_run(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "reports" / "smoke"
    shutil.copytree(finished / "reports" / "smoke", copy)
    for rendered in ("report.html", "report.md", "metrics.csv"):
        (copy / rendered).unlink()
    subprocess.run([sys.executable, "-m", "robustgan", "report", str(copy)], check=True, capture_output=True)
    assert contents(tmp_path) == contents(finished)


def test_stage_keys_depend_on_what_matters(tmp_path: Path) -> None:
    settings = read_yaml(SMOKE)
    place = Place(tmp_path, tmp_path)
    base = {stage.name: stage.key for stage in stages(experiment(settings), place)}

    def changed(**change: object) -> set[str]:
        other = {stage.name: stage.key for stage in stages(experiment({**settings, **change}), place)}
        return {name for name in base if other.get(name) != base[name]}

    assert changed(title="other words") == set()
    assert changed(seed=1) == {
        name for name in base if name.startswith(("classifier", "train", "attack", "inspect", "operating", "probe"))
    }
    only = changed(
        attacks=[{"kind": "clean"}, *settings["attacks"][1:2], {"kind": "fgsm", "threat": {"norm": "linf", "eps": 0.1}}]
    )
    assert not any(name.startswith("classifier") for name in only)
    assert any("fgsm" in name for name in only)


def _blind(tmp_path: Path, attacks: list[dict[str, object]], **more: object) -> list[str]:
    """Names of the stages of a plan whose first classifier gives no gradients."""
    (tmp_path / "m.onnx").write_bytes(b"never read by a plan")
    settings = {**read_yaml(SMOKE), "oracles": [], "attacks": attacks, **more}
    victim = {"name": "wall", "model": {"kind": "onnx", "path": str(tmp_path / "m.onnx")}}
    settings["models"] = [victim, *settings["models"]] if more else [victim]
    return [stage.name for stage in stages(experiment(settings), Place(tmp_path, tmp_path))]


FGSM = {"kind": "fgsm", "threat": {"norm": "linf", "eps": "8/255"}}
SQUARE = {"kind": "art", "method": "SquareAttack", "threat": {"norm": "linf", "eps": "8/255"}}


def test_a_white_box_attack_on_a_model_without_gradients_is_refused_in_the_plan(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fgsm need gradients, and `wall` \(onnx\) answers questions only"):
        _blind(tmp_path, [{"kind": "clean"}, SQUARE, FGSM])
    names = _blind(tmp_path, [{"kind": "clean"}, SQUARE])
    assert any(name.startswith("attack art-SquareAttack linf 8/255 on wall") for name in names)


def test_with_transfer_a_model_with_gradients_lends_its_own(tmp_path: Path) -> None:
    names = _blind(tmp_path, [{"kind": "clean"}, SQUARE, FGSM], transfer=True)
    assert not any(name.startswith("attack fgsm") and "on wall" in name for name in names)
    assert any(name.startswith("transfer fgsm") and name.endswith("to wall") for name in names)


@pytest.mark.parametrize("error", [RunError, InputError])
def test_a_failing_attack_is_reported_and_the_others_go_on(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from robustgan import evaluation, steps

    def fail(*args: object, **kwargs: object) -> None:
        raise error("planted failure")

    settings = read_yaml(SMOKE)
    settings["attacks"] = [{"kind": "clean"}, {"kind": "noise", "threat": {"norm": "linf", "eps": 0.1}}]
    settings["models"][0]["training"]["epochs"] = 1
    settings["oracles"] = []
    real = evaluation.fought
    monkeypatch.setattr(
        evaluation, "fought", lambda duel, *rest: (fail if duel.attack.label == "noise" else real)(duel, *rest)
    )
    assert steps.attacked.__module__ == "robustgan.steps"
    folder, failures = run(experiment(settings), Place(tmp_path, tmp_path), "planted", lambda stage, cached: silent)
    assert len(failures) == 1
    assert "noise" in failures[0]
    assert "planted failure" in failures[0]
    assert "planted failure" in (folder / "report.md").read_text("utf-8")
    rows = pd.read_parquet(folder / "predictions.parquet")
    assert set(rows["attack"]) == {"clean"}


def test_a_run_without_any_cell_says_so_and_writes_no_report(tmp_path: Path) -> None:
    plan = experiment(read_yaml(SMOKE))
    with pytest.raises(RunError, match=r"no cell is done, .* list images: not run: 0 hours were over"):
        run(plan, Place(tmp_path, tmp_path), "planted", lambda stage, cached: silent, Manner(max_hours=0.0))
    assert not (tmp_path / "reports").exists()
