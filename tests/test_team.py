import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from robustgan import launch
from robustgan.errors import InputError, MachineError
from robustgan.experiment import experiment
from robustgan.journal import silent
from robustgan.stage import Place
from robustgan.stages import stages
from robustgan.stopping import Stop, Stopped
from robustgan.team import ALONE, Team
from robustgan.work import Work
from tests import shared_training

ADVGAN = {"kind": "advgan", "threat": {"norm": "linf", "eps": 16 / 255}, "epochs": 2, "batch": 16, "width": 16}
DCGAN: dict[str, Any] = {
    "kind": "dcgan", "size": 16, "latent": 4, "embedding": 4, "ngf": 4, "ndf": 4,
    "training": {"steps": 12, "batch": 8, "every": 6, "half_life": 0.1},
    "monitor": {"actions": []},
}  # fmt: skip

SETTINGS: dict[str, dict[str, Any]] = {
    "classifier": {"norm": True}, "advgan": {"attack": ADVGAN}, "dcgan": {"attack": DCGAN},
}  # fmt: skip

# Standard deviation over seeds 0 to 7 of what one process ends with, measured: 60 steps of this recipe, from
# losses of 2 and 0. (With seeds 0 and 1, two processes ended at most 0.4 of it from one.)
SCATTER = {"d_loss": 0.15, "g_loss": 0.14, "kid_scatter": 0.13, "gradient": 2.3}


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # processes on cores, also where a GPU is


def trained(
    folder: Path, step: Callable[[Work], None], processes: int, stop: Stop | None = None, **settings: Any
) -> list[dict[str, torch.Tensor]]:
    """Do a step, or go on with it; the weights that each process ended with."""
    weights = folder / f"weights{processes}"
    for made in (folder / f"{processes}", weights):
        made.mkdir(parents=True, exist_ok=True)
    settings = {"device": "cpu", "processes": processes, **settings}
    work = Work(settings, {"weights": weights}, folder / f"{processes}", folder, silent, stop or Stop())
    launch.together(step, work)
    return [load_file(path) for path in sorted(weights.iterdir())]


def apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max(float((one[name].double() - other[name].double()).abs().max()) for name in one)


def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    """The mean of two half batches' gradients is the batch's gradient; the order of the images is the same."""
    (alone,) = trained(tmp_path, shared_training.classify, 1, norm=False)
    leader, follower = trained(tmp_path, shared_training.classify, 2, norm=False)
    assert apart(leader, follower) == 0.0
    assert apart(leader, alone) < 1e-5
    numbers = [
        [json.loads(line) for line in (tmp_path / n / "stats.jsonl").read_text().splitlines()] for n in ("1", "2")
    ]
    assert len(numbers[0]) == len(numbers[1]) == 3
    for one, two in zip(*numbers, strict=True):
        assert one == pytest.approx(two, abs=1e-4)


def test_with_batch_norm_they_agree_within_noise(tmp_path: Path) -> None:
    trained(tmp_path, shared_training.classify, 1, norm=True)
    trained(tmp_path, shared_training.classify, 2, norm=True)
    one, two = (json.loads((tmp_path / n / "stats.jsonl").read_text().splitlines()[-1]) for n in ("1", "2"))
    assert two["val_auroc"] == pytest.approx(one["val_auroc"], abs=0.05)
    assert one["val_auroc"] > 0.9


def test_two_processes_train_the_generator_that_one_trains(tmp_path: Path) -> None:
    (alone,) = trained(tmp_path, shared_training.attack, 1, attack={**ADVGAN, "realism": 0.0})
    leader, follower = trained(tmp_path, shared_training.attack, 2, attack={**ADVGAN, "realism": 0.0})
    assert apart(leader, follower) == 0.0
    assert apart(leader, alone) < 1e-3  # 72 images in batches of 16: the last has 8, and each process takes 4 of them


def test_two_processes_play_the_dcgans_game_that_one_plays(tmp_path: Path) -> None:
    """Each takes half of the batch, so batch norms and augmentation differ: the same game, not the same bytes.

    With one seed, what one process and what two end with is no further apart than two standard deviations of what one
    process ends with from seed to seed (any two seeds would be, in one case of six).
    """
    longer = {**DCGAN, "training": {**DCGAN["training"], "steps": 60, "every": 30}}
    trained(tmp_path, shared_training.attack, 1, attack=longer)
    leader, follower = trained(tmp_path, shared_training.attack, 2, attack=longer)
    assert apart(leader, follower) == 0.0
    assert (tmp_path / "2" / "progress.png").exists()
    stats = [(tmp_path / n / "stats.jsonl").read_text().splitlines() for n in ("1", "2")]
    assert [len(rows) for rows in stats] == [2, 2]
    one, two = (json.loads(rows[-1]) for rows in stats)
    assert (one["step"], one["attempt"]) == (two["step"], two["attempt"]) == (60, 0)
    for name, scatter in SCATTER.items():
        assert two[name] == pytest.approx(one[name], abs=2 * scatter), name
    assert set(one) == set(two) == {*SCATTER, "step", "attempt", "r_t"}  # r_t, a mean of signs, is at its end, 1


def test_the_same_seeds_give_the_same_bytes_with_two_processes(tmp_path: Path) -> None:
    first, *_ = trained(tmp_path / "a", shared_training.attack, 2, attack=DCGAN)
    second, *_ = trained(tmp_path / "b", shared_training.attack, 2, attack=DCGAN)
    assert apart(first, second) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "step"), [("classifier", 3), ("advgan", 3), ("dcgan", 4)])  # within an epoch or look
def test_two_processes_that_are_asked_to_stop_go_on_from_that_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, step: int
) -> None:
    learn = shared_training.classify if kind == "classifier" else shared_training.attack
    settings = SETTINGS[kind]
    straight, _ = trained(tmp_path / "straight", learn, 2, **settings)
    turns, stop, average = [0], Stop(patient=True), Team.average

    def counted(self: Team, parameters: Any) -> None:
        turns[0] += 1
        stop.signum = 15 if turns[0] == (step if kind == "classifier" else 2 * step) else stop.signum
        average(self, parameters)

    monkeypatch.setattr(Team, "average", counted)  # in this process, which leads
    with pytest.raises(Stopped):
        trained(tmp_path / "cut", learn, 2, stop=stop, **settings)
    assert not multiprocessing.active_children()
    before, turns[0] = turns[0], 0
    resumed, _ = trained(tmp_path / "cut", learn, 2, **settings)
    monkeypatch.undo()
    assert apart(resumed, straight) == 0.0
    assert contents(tmp_path / "cut" / "2") == contents(tmp_path / "straight" / "2")
    assert before + turns[0] == {"classifier": 12, "advgan": 2 * 10, "dcgan": 2 * 12}[kind]  # no step is done twice


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rank", "turn"), [("classifier", 1, 6), ("advgan", 0, 14), ("dcgan", 0, 18)])
def test_a_process_that_is_killed_within_an_epoch_changes_no_byte(
    tmp_path: Path, kind: str, rank: int, turn: int
) -> None:
    learn = shared_training.classify if kind == "classifier" else shared_training.attack
    settings = SETTINGS[kind]
    straight, _ = trained(tmp_path / "straight", learn, 2, **settings)
    folder, weights = tmp_path / "cut" / "2", tmp_path / "cut" / "weights2"
    folder.mkdir(parents=True)
    weights.mkdir()
    fatal = {"device": "cpu", "processes": 2, "killed": (rank, turn), **settings}
    code = "import sys; from tests.shared_training import learn_from; learn_from(sys.argv[1])"
    order = json.dumps([learn.__name__, str(folder), str(weights), fatal])
    done = subprocess.run([sys.executable, "-c", code, order], cwd=Path(__file__).parents[1], capture_output=True)
    assert done.returncode == (-9 if rank == 0 else 1)
    assert b"1 of 2 processes died" in done.stderr or rank == 0
    assert not list(weights.iterdir())
    assert (folder / "checkpoint.pt").exists()
    resumed, _ = trained(tmp_path / "cut", learn, 2, **settings)
    assert apart(resumed, straight) == 0.0
    assert contents(folder) == contents(tmp_path / "straight" / "2")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "checkpoint.pt"}


def test_a_process_that_dies_ends_the_step_and_leaves_none_behind(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    work = Work({"device": "cpu", "processes": 2}, {"weights": tmp_path / "weights"}, tmp_path, tmp_path, silent)
    with pytest.raises(MachineError, match="1 of 2 processes died"):
        launch.together(shared_training.die, work)
    assert not multiprocessing.active_children()


def test_threads_stay_as_they_were_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes depend on them; accelerate would set one for each physical core, where the environment names no number."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        (tmp_path / "threads").mkdir()
        work = Work({"device": "cpu", "processes": 2}, {"threads": tmp_path / "threads"}, tmp_path, tmp_path, silent)
        launch.together(shared_training.count, work)
    finally:
        torch.set_num_threads(before)
    assert [(tmp_path / "threads" / rank).read_text() for rank in "01"] == ["3", "3"]
    assert "OMP_NUM_THREADS" not in os.environ


def test_followers_end_with_a_leader_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    code = "from tests.shared_training import hang_with; import sys; hang_with(sys.argv[1])"
    leader = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "pids")], cwd=Path(__file__).parents[1])
    follower = tmp_path / "pids" / "1"
    try:
        wait_for(lambda: follower.exists() and follower.read_text().isdigit())
    finally:
        leader.kill()
        leader.wait()
    wait_for(lambda: ended(int(follower.read_text())))


def wait_for(true: Callable[[], bool]) -> None:
    for _ in range(1200):
        if true():
            return
        time.sleep(0.1)
    pytest.fail("waited two minutes for nothing")


def ended(pid: int) -> bool:
    """Whether a process is gone, or a zombie that nobody has buried yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_shares_are_the_batch_and_a_ragged_one_is_everyones() -> None:
    rows = torch.arange(12)
    assert torch.equal(torch.cat([Team(rank, 3).share(rows) for rank in range(3)]), rows)
    assert torch.equal(Team(1, 3).share(rows[:4]), rows[:4])
    assert torch.equal(ALONE.share(rows), rows)


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(InputError, match=r"batch of 33 and `processes: 2`, which must divide it\. Set the batch to 32"):
        Team(0, 2).check(33, "training.batch")


def test_surrogates_are_not_trained_by_several(tmp_path: Path) -> None:
    recipe = {**ADVGAN, "knowledge": "dynamic"}
    with pytest.raises(InputError, match="only a white-box training can be shared"):
        trained(tmp_path, shared_training.attack, 2, attack=recipe)


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match="found 2, and torch sees 1 GPU: each process needs its own"):
        launch.check(2, "auto")


def test_a_worker_that_may_not_start_processes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # type: ignore[attr-defined]
    with pytest.raises(MachineError, match="found 2, and this worker may not start any"):
        launch.check(2, "cpu")


def test_a_missing_accelerate_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"robustgan\[parallel\]"):
        launch.check(2, "cpu")


def test_only_trainings_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    """What one process makes keeps its key; a training by two is another result, and says so in its settings."""
    settings = {
        "name": "x",
        "dataset": {"kind": "synthetic", "patients": 20},
        "models": [{"name": "m", "model": {"kind": "densenet"}}],
        "attacks": [{"kind": "clean"}, ADVGAN],
    }
    one, two = (stages(experiment({**settings, "processes": n}), Place(tmp_path, tmp_path)) for n in (1, 2))
    assert [s.settings.get("processes") for s in one if s.kind in ("classifier", "generator")] == [None, None]
    assert [s.settings.get("processes") for s in two if s.kind in ("classifier", "generator")] == [2, 2]
    assert {s.key for s in one if s.kind in ("manifest", "pixels", "split")} < {s.key for s in two}
