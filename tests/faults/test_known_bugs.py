"""Where other harnesses broke, by their own public lists of bugs; each test is named after the bug it stands for."""

import importlib.metadata
import json
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import robustgan
from robustgan import cli, lease, pipeline, provenance, store
from robustgan.config import read_yaml
from robustgan.doing import do
from robustgan.execute import Manner
from robustgan.execute.local import Local
from robustgan.execute.loop import shard_of
from robustgan.experiment import experiment
from robustgan.journal import silent
from robustgan.parts import Part, cut
from robustgan.progress import survey
from robustgan.stage import Place, Stage
from robustgan.work import Work
from tests import cells
from tests.execute import planted
from tests.execute.conftest import quiet, stage
from tests.faults.conftest import TINY, Ask, Undisturbed, contents, finished, printed, same, todo, undo

MODELS, ATTACKS = (read_yaml(TINY)[name] for name in ("models", "attacks"))
ROOT = Path(__file__).parents[2]
TABLE = {  # number in the other harness's public list -> the tests that would fail here if it came up
    "inspect 913": ["test_inspect_913_a_start_that_ran_out_of_memory_is_tried_again"],
    "inspect 2626": ["test_inspect_2626_what_a_dead_worker_left_is_tried_again_before_all_else_is_over"],
    "inspect 2959": [
        "test_inspect_2959_another_number_of_epochs_reuses_nothing",
        "test_inspect_2959_another_limit_of_patients_or_images_reuses_nothing",
    ],
    "inspect 5296": ["test_inspect_5296_another_way_to_sum_up_reuses_everything"],
    "inspect-action 731": ["test_inspect_action_731_an_upgrade_that_changes_no_result_changes_no_identifier"],
    "hydra 1407": [
        "test_hydra_1407_and_3328_another_run_overwrites_nothing_and_the_first_comes_back",
        "tests/test_progress.py::test_every_state_is_told_apart",  # "no lifecycle state"
    ],
    "hydra 2824": [
        "tests/execute/test_loop.py::test_fail_fast_ends_with_the_first_failure",
        "test_opencompass_a_failed_part_shows_its_error_and_the_others_their_results",
    ],
    "hydra 3328": ["test_hydra_1407_and_3328_another_run_overwrites_nothing_and_the_first_comes_back"],
    "lm-eval 2140": ["test_lm_eval_2140_and_2548_no_name_depends_on_which_process_asks"],
    "lm-eval 2533": [
        "test_mteb_4655_cells_before_a_crash_are_kept",
        "test_opencompass_a_failed_part_shows_its_error_and_the_others_their_results",
    ],
    "lm-eval 2548": ["test_lm_eval_2140_and_2548_no_name_depends_on_which_process_asks"],
    "lighteval 880": [
        "test_mteb_4655_cells_before_a_crash_are_kept",  # nothing is in memory only
        "tests/faults/test_kills.py::test_kills_at_fifty_points_of_all_stages_change_no_byte",
    ],
    "helm 1222": ["test_helm_1222_what_a_run_was_asked_is_not_overwritten_by_the_next"],
    "helm 1400": ["tests/test_pipeline.py::test_the_same_command_again_redoes_nothing"],
    "helm names": ["test_helm_completion_by_name_changed_settings_are_not_done"],
    "opencompass": ["test_opencompass_a_failed_part_shows_its_error_and_the_others_their_results"],
    "mteb 1122": ["test_mteb_1122_skipping_what_is_done_returns_every_result"],
    "mteb 3123": ["test_mteb_3123_a_finished_run_loads_no_data"],
    "mteb 3135": ["test_opencompass_a_failed_part_shows_its_error_and_the_others_their_results"],
    "mteb 4655": ["test_mteb_4655_cells_before_a_crash_are_kept"],
    "mlflow 1902": ["test_mlflow_1902_a_stage_is_a_handful_of_files_however_many_images_it_is_about"],
    "mlflow 4034": ["test_mlflow_4034_to_look_at_a_run_opens_one_file_a_stage"],
    "lightning-cli 17564": ["tests/test_cli.py::test_the_published_schema_is_the_code_s"],
    "lightning-cli 18446": ["tests/test_cli.py::test_mistakes_are_explained_with_exit_code_2"],
    "lightning-cli 19714": ["test_lightning_cli_19714_the_order_of_options_and_of_keys_changes_nothing"],
    "lightning-cli 20199": ["test_lightning_cli_20199_help_is_help_whatever_is_wrong_with_the_config"],
}
LISTED = {  # what our survey of those lists found
    "inspect": (913, 2626, 2959, 5296), "inspect-action": (731,), "hydra": (1407, 2824, 3328), "helm": (1222, 1400),
    "lm-eval": (2140, 2533, 2548), "lighteval": (880,), "mteb": (1122, 3123, 3135, 4655), "mlflow": (1902, 4034),
    "lightning-cli": (17564, 18446, 19714, 20199),
}  # fmt: skip
RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_ARRAY_TASK_ID", "OMP_NUM_THREADS")
opened: list[str] | None = None  # while a test counts: files opened and folders listed


def hook(event: str, args: tuple[object, ...]) -> None:
    if opened is not None and event in ("open", "os.scandir", "os.listdir"):
        opened.append(str(args[0]))


sys.addaudithook(hook)  # it cannot be taken back


def test_every_listed_bug_has_its_tests_and_every_test_its_bug() -> None:
    assert {f"{project} {number}" for project, numbers in LISTED.items() for number in numbers} <= set(TABLE)
    named = {name for names in TABLE.values() for name in names}
    for name in named:
        path, found, function = name.rpartition("::")
        text = (ROOT / path if found else Path(__file__)).read_text("utf-8")
        assert re.search(rf"^def {function}\(", text, re.MULTILINE), name
    here = set(re.findall(r"^def (test_\w+)", Path(__file__).read_text("utf-8"), re.MULTILINE))
    assert here - named == {"test_every_listed_bug_has_its_tests_and_every_test_its_bug"}


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
    begun, place = Stage(write, "a stage", {}), Place(tmp_path, tmp_path)
    folder = place.folder(begun)
    (folder.parent / f"{folder.name}.0123456789ab.partial").mkdir(parents=True)
    path = store.leased(place.out / "runs", begun.kind, begun.key)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**lease.identity(), "born": "before", "token": "0123456789ab", "beat": 0.0}))
    assert (do(begun, place, silent) / "result").read_text() == "done"


def test_inspect_action_731_an_upgrade_that_changes_no_result_changes_no_identifier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Identifiers depended on the version of the tool, and everything ran again."""
    before = keys()
    monkeypatch.setattr(robustgan, "__version__", "99.0")
    for module in (importlib.metadata, provenance):  # every way to ask which version of a package is installed
        monkeypatch.setattr(module, "version", lambda package: "99.0")
    monkeypatch.setattr(importlib.metadata.Distribution, "version", "99.0")
    assert set(provenance.versions().values()) == {platform.python_version(), "99.0"}
    assert keys() == before


@pytest.mark.parametrize("change", [{"epochs": 4}, {"patience": 1}, {"lr": 1e-2}, {"batch": 8}])
def test_inspect_2959_another_number_of_epochs_reuses_nothing(change: dict[str, object]) -> None:
    """Logs with other epochs and limits were taken for finished."""
    anew = differ(models=trained(**change))
    assert "classifier densenet, fold 1" in anew
    assert "attack fgsm linf 8/255 on densenet, fold 1" in anew
    assert "attack fgsm linf 8/255 on other, fold 1" not in anew


def test_inspect_2959_another_limit_of_patients_or_images_reuses_nothing() -> None:
    """Logs with other epochs and limits were taken for finished."""
    dataset = read_yaml(TINY)["dataset"]
    assert differ(dataset={**dataset, "patients": dataset["patients"] - 1}) == set(keys())
    assert differ(dataset={**dataset, "fields": dataset["fields"] + 1}) == set(keys())
    probes = {name for name in keys() if name.startswith("probe ")}
    assert differ(strength={"images": 21}) == probes
    assert len(probes) == len(MODELS)
    search = {**ATTACKS[-1]["search"], "images": 3}
    searched = {name for name in keys() if name.startswith("attack dcgan ")}  # the training does not read the search
    assert differ(attacks=[*ATTACKS[:-1], {**ATTACKS[-1], "search": search}]) == searched
    assert searched


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
    (bad,) = (s for s in todo(copy) if s.name == "attack fgsm linf 8/255 on other, fold 1")
    shutil.rmtree(Place(copy, Path()).folder(bad))
    record = {"stage": bad.kind, "name": bad.name, "key": bad.key, "kind": "failed", "error": "RunError"}
    store.record_failure(copy / "runs", {**record, "reason": "a planted reason", "host": "h", "pid": 1, "at": 0.0})
    assert ask(copy) == [3], printed(copy)
    assert f"FAILED {bad.name}: a planted reason" in printed(copy)
    assert "--retry-failed" in printed(copy)
    assert "a planted reason" in (copy / "reports" / "tiny" / "report.md").read_text("utf-8")
    rows = pd.read_parquet(copy / "reports" / "tiny" / "predictions.parquet")
    judged = set(zip(rows["attack"], rows["model"], strict=True))
    assert ("fgsm", "densenet") in judged
    assert ("clean", "other") in judged
    assert set(finished(undisturbed.out)) - set(finished(copy)) == {f"{bad.kind}/{bad.key}"}
    for name in set(finished(copy)) - set(finished(undisturbed.out)):
        assert name.startswith("report/")  # the one that says what failed
        shutil.rmtree(finished(copy)[name])
    assert ask(copy, {"more": ["--retry-failed"]}) == [0], printed(copy)
    same(copy, undisturbed.out)


def test_inspect_2626_what_a_dead_worker_left_is_tried_again_before_all_else_is_over(tmp_path: Path) -> None:
    """A task that failed was tried again only when the whole set was over."""
    (tmp_path / "data").mkdir()
    patient = stage(planted.meet, "patient", other="after")  # is over once `after` has begun
    mortal = stage(planted.die_once, "mortal")
    after = stage(planted.meet, "after", mortal, other="patient")  # begins once `mortal` was tried again
    place = Place(tmp_path / "out", tmp_path / "data")
    done, failed = pipeline.work([patient, mortal, after], place, quiet, Manner(Local(2)))
    assert (len(done), failed) == (3, [])


def test_hydra_1407_and_3328_another_run_overwrites_nothing_and_the_first_comes_back(
    ask: Ask, undisturbed: Undisturbed, copy: Path
) -> None:
    """Numbers of jobs began anew: what had the same number was overwritten, whatever its settings were."""
    before = finished(undisturbed.out)
    assert ask(copy, {"more": ["--set", "attacks.1.threat.eps=4/255"]}) == [0], printed(copy)
    there = finished(copy)
    for name, folder in before.items():
        assert contents(there[name]) == contents(folder), name
    new = {name.partition("/")[0] for name in set(there) - set(before)}
    assert new == {"attacked", "transferred", "report"}
    rows = pd.read_parquet(copy / "reports" / "tiny" / "predictions.parquet")
    assert set(rows.loc[rows["attack"] == "fgsm", "eps"].round(6)) == {round(4 / 255, 6)}
    assert ask(copy) == [0], printed(copy)
    assert set(finished(copy)) == set(there)  # nothing was done again
    assert contents(copy / "reports" / "tiny") == contents(undisturbed.out / "reports" / "tiny")


def test_helm_1222_what_a_run_was_asked_is_not_overwritten_by_the_next(ask: Ask, copy: Path) -> None:
    """One file said what was run, and the next run wrote its own over it."""
    report = copy / "reports" / "tiny"
    before = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}
    records = {path: path.read_bytes() for path in copy.glob("runs/*/*/run.json")}
    assert ask(copy, {"more": ["--set", "name=second", "--set", "attacks=[{kind: clean}]"]}) == [0], printed(copy)
    second = json.loads((copy / "reports" / "second" / "run.json").read_text("utf-8"))
    first = json.loads((report / "run.json").read_text("utf-8"))
    assert (len(first["config"]["attacks"]), len(second["config"]["attacks"])) == (4, 1)
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.read_bytes() for path in records} == records


def test_lm_eval_2140_and_2548_no_name_depends_on_which_process_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept was named after the rank of the process: with another number of processes all of it was lost."""
    everything, names = todo(Path()), set(keys().values())
    for rank in ("0", "3"):
        for variable in RANKS:
            monkeypatch.setenv(variable, rank)
        assert set(keys().values()) == names
    for n in (1, 2, 3, 5):
        shares = [shard_of(everything, i, n) for i in range(1, n + 1)]
        assert {one.key for share in shares for one in share} == names
        assert {one.key for one in cut(everything, n) if not isinstance(one, Part)} == names


def test_mlflow_4034_to_look_at_a_run_opens_one_file_a_stage(tmp_path: Path) -> None:
    """A list of 120 runs took half a minute: files of every run were opened, again and again."""
    global opened
    counts = []
    for more in (1, 4):
        plan = experiment({**read_yaml(TINY), "seeds": list(range(more))})
        place = Place(tmp_path / str(more), tmp_path)
        found = todo(place.out, seeds=list(range(more)))
        for one in found:
            place.folder(one).mkdir(parents=True)
            (place.folder(one) / "run.json").write_text('{"seconds": 1.0}')
        opened = []
        try:
            assert survey(plan, found, place)["counts"]["done"] == len(found)
            counts.append(len([path for path in opened if path.startswith(str(place.out))]) - len(found))
        finally:
            opened = None
    assert counts[0] == counts[1] < 30  # beside the one: the run's own folders


def test_mlflow_1902_a_stage_is_a_handful_of_files_however_many_images_it_is_about(
    tmp_path: Path, undisturbed: Undisturbed
) -> None:
    """Runs were fifty thousand tiny files: slow to list, slow to copy, out of inodes."""
    shown = {"tree", "examples"}  # the made-up data set itself; some images for the report, `gallery` says how many
    for name, folder in finished(undisturbed.out).items():
        files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
        assert name.startswith("report/") or len([path for path in files if path.parts[0] not in shown]) <= 8, name
    place, one = cells.prepare(Place(tmp_path / "out", tmp_path)), cells.cell(gallery=0)
    cells.work([one], place)
    assert len(list(place.folder(one).rglob("*"))) <= 8 < cells.TESTED


def test_lightning_cli_19714_the_order_of_options_and_of_keys_changes_nothing(tmp_path: Path) -> None:
    """What stood behind `--config` won over it, and what stood before it was lost."""
    settings = read_yaml(TINY)
    (tmp_path / "backwards.yaml").write_text(yaml.safe_dump(dict(reversed(settings.items())), sort_keys=False))
    one, two, three = ["--set", "seed=1"], ["--set", "batch=4"], ["--set", "models.0.training.lr=0.01"]
    orders = [
        [str(TINY), *one, *two, *three],
        [*three, *two, *one, str(TINY)],
        [*two, str(tmp_path / "backwards.yaml"), *three, *one],
    ]
    plans = [CliRunner().invoke(cli.app, ["plan", *order, "--out", str(tmp_path), "--json"]) for order in orders]
    assert [plan.exit_code for plan in plans] == [0, 0, 0]
    assert len({plan.stdout for plan in plans}) == 1
    changed = {row["name"] for row in json.loads(plans[0].stdout) if row["key"] != keys()[row["name"]]}
    assert {"classifier densenet, fold 1", "attack clean on other, fold 1"} <= changed


@pytest.mark.parametrize("command", ["run", "plan", "status"])
def test_lightning_cli_20199_help_is_help_whatever_is_wrong_with_the_config(tmp_path: Path, command: str) -> None:
    """`--help` built what the config named first, and showed the traceback of that."""
    (tmp_path / "broken.yaml").write_text("models: [{kind: none}]\n dataset: {")
    found = CliRunner().invoke(cli.app, [command, str(tmp_path / "broken.yaml"), "--set", "nothing", "--help"])
    assert found.exit_code == 0, found.output
    assert "Usage:" in found.stdout
    assert "Traceback" not in found.output
