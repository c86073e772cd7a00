"""`robustgan status`: says how far, by its words, its JSON and its exit code; needs no torch."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from robustgan import cli, cli_status, progress, stable
from robustgan.cli_status import lines
from robustgan.config import read_yaml
from robustgan.datasets.synthetic import Synthetic
from robustgan.experiment import experiment
from robustgan.stage import Place
from robustgan.stages import stages
from tests.test_cli import robustgan, without_torch
from tests.test_progress import SMOKE, begin, fail, finish

__all__ = ["without_torch"]


def test_an_unfinished_run_is_3_and_a_finished_one_0(tmp_path: Path, without_torch: dict[str, str]) -> None:
    place = Place(tmp_path, tmp_path)
    todo = stages(experiment(read_yaml(SMOKE)), place)
    for stage in todo[:-1]:
        finish(place, stage)
    fail(place, todo[-1], "failed")
    words = ("status", "smoke", "--out", str(tmp_path))
    found = json.loads(robustgan(*words, "--watch", "--json", code=3, env=without_torch))  # nothing will change
    assert found.pop("schema_version") == stable.STATUS
    assert (found["complete"], found["counts"]["done"], found["counts"]["failed"]) == (False, len(todo) - 1, 1)
    finish(place, todo[-1])
    folder = tmp_path / "reports" / "smoke"
    folder.mkdir(parents=True)
    keys = [{"stage": stage.kind, "key": stage.key} for stage in todo]
    (folder / "run.json").write_text(json.dumps({"stages": keys}))
    assert f"smoke: {len(todo)} done; the report is written." in robustgan(*words, env=without_torch)


def test_people_read_who_works_what_failed_and_how_long_it_takes(tmp_path: Path) -> None:
    place, plan = Place(tmp_path, tmp_path), experiment(read_yaml(SMOKE))
    todo = stages(plan, place)
    finish(place, todo[0])
    begin(place, todo[1], host="node7", machine="far", pid=77)
    fail(place, todo[2], "oom")
    text = "\n".join(lines(progress.survey(plan, stages(plan, place), place)))
    assert "running  decode images: 5/20 epoch 1, 0:00:1" in text
    assert "so far, process 77 on node7, beat" in text
    assert "out of memory  split, fold 1: why" in text
    assert "smoke: 1 done, 1 running, 2 pending, 1 out of memory, 15 blocked; the report is not written." in text
    assert "left, and what 2 stages take of a kind of which none is done" in text


def test_a_silent_process_is_called_so(tmp_path: Path) -> None:
    place, plan = Place(tmp_path, tmp_path), experiment(read_yaml(SMOKE))
    begin(place, stages(plan, place)[0], machine="far", beat=0.0)
    assert "silent for" in "\n".join(lines(progress.survey(plan, stages(plan, place), place)))


def test_a_watched_run_s_data_set_is_read_once_however_often_one_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, reads, looks = Place(tmp_path, tmp_path), list[str](), list[int]()
    todo = stages(experiment(read_yaml(SMOKE)), place)

    def fingerprint(self: Synthetic, root: Path) -> str:
        reads.append("read")
        return ""

    def wait(seconds: float) -> None:
        """Somebody finishes a stage meanwhile; at last all that is left fails."""
        looks.append(len(looks))
        if len(looks) < 4:
            finish(place, todo[looks[-1]])
        else:
            for stage in todo[3:]:
                fail(place, stage, "failed")

    monkeypatch.setattr(Synthetic, "fingerprint", fingerprint)
    monkeypatch.setattr(cli_status.time, "sleep", wait)
    done = CliRunner().invoke(cli.app, ["status", "smoke", "--out", str(tmp_path), "--watch", "--json"])
    assert done.exit_code == 3, done.output
    counts = [json.loads(line)["counts"]["done"] for line in done.stdout.splitlines()]
    assert counts == [0, 1, 2, 3, 3]
    assert reads == ["read"]
