"""Where other harnesses broke, by their own public lists of bugs; each test is named after the bug it stands for."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import robustgan
from robustgan import lease, provenance, store
from robustgan.config import read_yaml
from robustgan.doing import do
from robustgan.journal import silent
from robustgan.stages import Place, Stage
from robustgan.work import Work
from tests.faults.conftest import TINY, Ask, Undisturbed, contents, finished, printed, same, todo, undo

MODELS = read_yaml(TINY)["models"]


def write(work: Work) -> None:
    """A stage that works."""
    (work.folder / "result").write_text("done")


def keys(**changes: object) -> dict[str, str]:
    return {stage.name: stage.key for stage in todo(Path(), **changes)}


def differ(**changes: object) -> set[str]:
    """Names of stages that a change of the config makes anew."""
    before, after = keys(), keys(**changes)
    return {name for name in before if after.get(name) != before[name]}


def trained(**changes: object) -> list[dict[str, Any]]:
    """The models, with the first one's training changed."""
    return [{**MODELS[0], "training": {**MODELS[0]["training"], **changes}}, *MODELS[1:]]


def test_inspect_913_a_start_that_ran_out_of_memory_is_tried_again(tmp_path: Path) -> None:
    """Its log said "started", and so it was never retried."""
    stage, place = Stage(write, "a stage", {}), Place(tmp_path, tmp_path)
    folder = place.folder(stage)
    (folder.parent / f"{folder.name}.0123456789ab.partial").mkdir(parents=True)
    path = store.leased(place.out / "runs", stage.kind, stage.key)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**lease.identity(), "born": "before", "token": "0123456789ab", "beat": 0.0}))
    assert (do(stage, place, silent) / "result").read_text() == "done"


def test_inspect_action_731_an_upgrade_that_changes_no_result_changes_no_identifier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Identifiers depended on the version of the tool, and everything ran again."""
    before = keys()
    monkeypatch.setattr(robustgan, "__version__", "99.0")
    monkeypatch.setattr(provenance, "versions", lambda: {"robustgan": "99.0"})
    assert keys() == before


@pytest.mark.parametrize("change", [{"epochs": 4}, {"patience": 1}, {"lr": 1e-2}, {"batch": 8}])
def test_inspect_2959_another_number_of_epochs_or_limit_reuses_nothing(change: dict[str, object]) -> None:
    """Logs with other epochs and limits were taken for finished."""
    anew = differ(models=trained(**change))
    assert "classifier densenet, fold 1" in anew
    assert "attack fgsm linf 8/255 on densenet, fold 1" in anew
    assert "attack fgsm linf 8/255 on other, fold 1" not in anew


@pytest.mark.parametrize("change", [{"title": "other words"}, {"policy": "research"}])
def test_inspect_5296_another_way_to_sum_up_reuses_everything(change: dict[str, object]) -> None:
    """A mismatch of the reducer made every sample run again."""
    assert differ(**change) == set()


def test_helm_completion_by_name_changed_settings_are_not_done(tmp_path: Path) -> None:
    """The folder's name was the database: what had the same name counted as finished."""
    assert "attack fgsm linf 8/255 on densenet, fold 1" in differ(batch=7)
    assert not differ(name="another-name")


def test_mteb_3123_a_finished_run_loads_no_data(ask: Ask, undisturbed: Undisturbed, copy: Path) -> None:
    """A run of which all was cached still loaded its data sets."""
    for folder in ("manifest", "pixels"):
        for path in (copy / "runs" / folder).rglob("*"):
            if path.is_file() and path.name != "run.json":
                path.unlink()
    report = contents(undisturbed.out / "reports" / "tiny")
    assert ask(copy) == [0], printed(copy)
    assert contents(copy / "reports" / "tiny") == report


def test_mteb_1122_skipping_what_is_done_returns_every_result(ask: Ask, undisturbed: Undisturbed, copy: Path) -> None:
    """With some results there already, only the others were returned."""
    undo(copy, "attack fgsm linf 8/255 on other")
    shutil.rmtree(copy / "reports")
    shutil.rmtree(copy / "runs" / "report")
    assert ask(copy) == [0], printed(copy)
    same(copy, undisturbed.out)
    rows = pd.read_parquet(copy / "reports" / "tiny" / "predictions.parquet")
    assert {("fgsm", "densenet"), ("fgsm", "other")} <= set(zip(rows["attack"], rows["model"], strict=True))


def test_mteb_4655_cells_before_a_crash_are_kept(ask: Ask, undisturbed: Undisturbed, copy: Path) -> None:
    """Results were saved when the whole task was over, so a crash lost those of its first parts."""
    first, second = undo(copy, "attack clean on densenet", "attack fgsm linf 8/255 on densenet")
    once = sum(point[1] == first.name for point in undisturbed.points)
    assert ask(copy, {"kind": "attacked", "number": once + 3}) == [-9], printed(copy)
    assert first.exists()
    assert not second.exists()
    made = first.stat().st_mtime_ns
    assert ask(copy) == [0], printed(copy)
    assert first.stat().st_mtime_ns == made
    same(copy, undisturbed.out)


def test_opencompass_a_failed_part_shows_its_error_and_the_others_their_results(
    ask: Ask, undisturbed: Undisturbed, copy: Path
) -> None:
    """A failed part was a "-" in the table; only debug mode showed why. (Also mteb 3135, lm-eval 2533, Hydra 2824.)"""
    (stage,) = (s for s in todo(copy) if s.name == "attack fgsm linf 8/255 on other, fold 1")
    shutil.rmtree(Place(copy, Path()).folder(stage))
    record = {"stage": stage.kind, "name": stage.name, "key": stage.key, "kind": "failed", "error": "RunError"}
    store.record_failure(copy / "runs", {**record, "reason": "a planted reason", "host": "h", "pid": 1, "at": 0.0})
    assert ask(copy) == [3], printed(copy)
    assert f"FAILED {stage.name}: a planted reason" in printed(copy)
    assert "--retry-failed" in printed(copy)
    assert "a planted reason" in (copy / "reports" / "tiny" / "report.md").read_text("utf-8")
    rows = pd.read_parquet(copy / "reports" / "tiny" / "predictions.parquet")
    judged = set(zip(rows["attack"], rows["model"], strict=True))
    assert ("fgsm", "densenet") in judged
    assert ("clean", "other") in judged
    assert set(finished(undisturbed.out)) - set(finished(copy)) == {f"{stage.kind}/{stage.key}"}
