"""Trials and curves over patients: on patients of validation, with what was found before kept."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import patients, trials
from robustgan.errors import InputError
from robustgan.experiment import read_experiment
from robustgan.stage import Place

SMOKE = Path(__file__).parents[2] / "configs" / "smoke.yaml"


def call(module: object, monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str) -> None:
    monkeypatch.setattr(module, "FOLDER", folder)
    monkeypatch.setattr(sys, "argv", ["x", str(SMOKE), "advgan", *more, "--data", str(folder), "--out", str(folder)])
    module.main()  # type: ignore[attr-defined]


def test_trials_and_curves_are_written_and_a_trial_made_again_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    call(trials, monkeypatch, tmp_path, "--try", "epochs=1", "--try", "epochs=1 width=8")
    path = tmp_path / "trials-smoke-advgan.csv"
    first = pd.read_csv(path)
    assert first["tried"].tolist() == ["epochs=1"] * 3 + ["epochs=1 width=8"] * 3
    assert first["what"].tolist() == ["validation", "training", "noise"] * 2
    assert first["value"].between(0, 1).all()
    call(trials, monkeypatch, tmp_path, "--try", "epochs=1")
    again = pd.read_csv(path)
    assert again["tried"].tolist() == ["epochs=1 width=8"] * 3 + ["epochs=1"] * 3
    assert again.sort_values(["tried", "what"], ignore_index=True).equals(
        first.sort_values(["tried", "what"], ignore_index=True)
    )
    monkeypatch.setattr(patients, "SHARES", (1.0, 0.5))
    call(patients, monkeypatch, tmp_path, "--set", "epochs=1")
    curve = pd.read_csv(tmp_path / "patients-smoke-advgan.csv")
    assert curve["share"].tolist() == [1.0] * 3 + [0.5] * 3
    assert curve["patients"].iloc[-1] < curve["patients"].iloc[0]
    whole = first[first["tried"] == "epochs=1"]["value"].tolist()
    assert curve["value"].head(3).tolist() == pytest.approx(whole)  # all patients: the same training
    assert (tmp_path / "patients-smoke-advgan.png").stat().st_size > 0


def test_an_attack_that_the_suite_lacks_is_named_with_those_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no attack `advgann`; it has clean, noise, fgsm"):
        patients.stage_of(read_experiment(SMOKE), Place(tmp_path, tmp_path), "advgann")


def test_a_wrong_attack_is_refused_in_a_line_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(trials, "FOLDER", tmp_path / "tables")
    monkeypatch.setattr(sys, "argv", ["x", str(SMOKE), "advgann", "--try", "epochs=1", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        trials.main()
    assert "found no attack `advgann`" in capsys.readouterr().err
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize("surrogates", [None, {"fooled": 0.6, "agree": 0.9}])
def test_surrogates_have_rows_where_there_were_any(tmp_path: Path, surrogates: dict[str, float] | None) -> None:
    side = {"any": {"success": 0.5, "noise_success": 0.01}, "surrogates": surrogates}
    (tmp_path / "checks.json").write_text(json.dumps({"validation": side, "training": side}))
    found = {row["what"]: row["value"] for row in patients.pairs(tmp_path) if row["measure"] == "surrogates"}
    assert found == (surrogates or {})
