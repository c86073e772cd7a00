"""How far a run is: every state told apart, and the time left from what is done."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from robustgan import lease, store
from robustgan.config import read_yaml
from robustgan.experiment import Experiment, experiment
from robustgan.progress import survey, time_left
from robustgan.stage import Place, Stage
from robustgan.stages import stages

SMOKE = Path(__file__).parents[1] / "configs" / "smoke.yaml"


@pytest.fixture
def plan() -> Experiment:
    return experiment(read_yaml(SMOKE))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, tmp_path)


def finish(place: Place, stage: Stage, seconds: float = 2.0) -> None:
    folder = place.folder(stage)
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"seconds": seconds}))


def fail(place: Place, stage: Stage, kind: str) -> None:
    record = {"stage": stage.kind, "name": stage.name, "key": stage.key, "reason": "why", "kind": kind}
    store.record_failure(place.out / "runs", {**record, "error": "RunError", "host": "h", "pid": 1, "at": 0.0})


def begin(place: Place, stage: Stage, **changes: object) -> None:
    path = store.leased(place.out / "runs", stage.kind, stage.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    times = {"started": time.time() - 10, "beat": time.time() - 1}
    path.write_text(json.dumps({**lease.identity(), **times, "done": 5, "total": 20, "what": "epoch 1", **changes}))


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in found["stages"]}


def test_every_state_is_told_apart(plan: Experiment, place: Place) -> None:
    todo = {stage.name: stage for stage in stages(plan, place)}
    finish(place, todo["list images"])
    begin(place, todo["decode images"])
    fail(place, todo["classifier densenet, fold 1"], "oom")
    fail(place, todo["classifier oracle, fold 1"], "failed")
    rows = by_name(survey(plan, stages(plan, place), place))
    assert rows["list images"]["state"] == "done"
    running = rows["decode images"]
    assert running["state"] == "running"
    assert (running["pid"], running["done"], running["total"], running["what"]) == (
        lease.identity()["pid"],
        5,
        20,
        "epoch 1",
    )
    assert 9 < running["seconds"] < 60
    assert 0 < running["beat_seconds_ago"] < 50
    assert rows["classifier densenet, fold 1"]["state"] == "oom"
    assert rows["classifier oracle, fold 1"]["state"] == "failed"
    assert rows["classifier oracle, fold 1"]["reason"] == "why"
    assert rows["attack clean on densenet, fold 1"]["state"] == "blocked"
    assert "needs `classifier densenet" in rows["inspect densenet, fold 1"]["reason"]
    assert rows["split, fold 1"]["state"] == "pending"


def test_a_clock_that_was_set_back_makes_no_time_negative(plan: Experiment, place: Place) -> None:
    todo = stages(plan, place)
    begin(place, todo[0], started=time.time() + 86400, beat=time.time() + 86400)
    found = survey(plan, todo, place)
    (running,) = (row for row in found["stages"] if row["state"] == "running")
    assert (running["seconds"], running["beat_seconds_ago"], found["seconds_left"]) == (0.0, 0.0, 0.0)


def test_a_lease_of_a_dead_process_is_no_running_stage(plan: Experiment, place: Place) -> None:
    first = stages(plan, place)[0]
    begin(place, first, born="another process")
    assert survey(plan, stages(plan, place), place)["stages"][0]["state"] == "pending"


def test_it_is_complete_with_the_report_of_just_these_stages(plan: Experiment, place: Place) -> None:
    todo = stages(plan, place)
    for stage in todo:
        finish(place, stage)
    assert not survey(plan, stages(plan, place), place)["complete"]
    folder = place.out / "reports" / plan.name
    folder.mkdir(parents=True)
    rows = [{"stage": stage.kind, "key": stage.key} for stage in todo]
    (folder / "run.json").write_text(json.dumps({"stages": rows[1:]}))
    assert not survey(plan, stages(plan, place), place)["complete"]
    (folder / "run.json").write_text(json.dumps({"stages": [*rows, {"stage": "report", "key": "r"}]}))
    found = survey(plan, stages(plan, place), place)
    assert found["complete"]
    assert found["counts"]["done"] == len(todo)


def test_the_time_left_comes_from_finished_stages_of_the_kind() -> None:
    done = [{"state": "done", "stage": "attacked", "seconds": s} for s in (10.0, 30.0)]
    pending = [{"state": "pending", "stage": "attacked"}] * 3
    assert time_left([*done, *pending]) == (60.0, 0)
    assert time_left([*done, *pending, {"state": "pending", "stage": "forged"}]) == (60.0, 1)
    halfway = {"state": "running", "stage": "generator", "seconds": 40.0, "done": 2, "total": 3}
    begun = {"state": "running", "stage": "attacked", "seconds": 5.0, "done": 0, "total": 0}
    assert time_left([*done, *pending, halfway, begun]) == ((60.0 + 20.0 + 15.0) / 2, 0)
    assert time_left([]) == (0.0, 0)
