"""SLURM without SLURM: the real jobs through submitit's local executor, the submission through its mocked commands."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import submitit
from submitit.core.job_environment import SignalHandler
from submitit.core.utils import DelayedSubmission
from submitit.slurm.slurm import SlurmJobEnvironment
from submitit.slurm.test_slurm import mocked_slurm

from robustgan import store
from robustgan.config import read_yaml
from robustgan.errors import InputError, RunError
from robustgan.execute import slurm
from robustgan.journal import silent
from robustgan.parts import cut
from robustgan.stage import Place
from tests import cells
from tests.execute import page, planted
from tests.execute.conftest import Carry, await_file, stage, tree


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slurm, "LOOK", 0.1)
    monkeypatch.setattr(submitit.SlurmJob, "_results_timeout_s", 0.1)  # for a file that a network is slow to show


@pytest.mark.parametrize(("code", "broken"), [(0, 0), (3, 0), (1, 1)])
def test_every_shard_is_a_job(code: int, broken: int, tmp_path: Path) -> None:
    script = tmp_path / "shard.py"
    script.write_text(
        "import pathlib, sys\n"
        "shard = sys.argv[sys.argv.index('--shard') + 1]\n"
        "pathlib.Path(sys.argv[1], shard.replace('/', 'of')).touch()\n"
        f"sys.exit({code} if shard == '2/3' else 0)\n"
    )
    jobs = slurm.array(submitit.LocalExecutor(tmp_path / "logs"), [sys.executable, str(script), str(tmp_path)], 3)
    lost = slurm.finish(jobs, silent)
    assert {path.name for path in tmp_path.glob("?of3")} == {"1of3", "2of3", "3of3"}
    assert len(lost) == broken
    assert all(jobs[1].job_id in line and "exit code 1" in jobs[1].paths.stderr.read_text() for line in lost)


def test_an_interrupted_job_lets_its_command_leave_and_starts_it_again(tmp_path: Path) -> None:
    script = tmp_path / "shard.py"
    script.write_text(
        "import pathlib, signal, sys, time\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "def leave(*_): (place / 'left').touch(); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "if not (place / 'left').exists():\n"
        "    (place / 'begun').write_text('yes')\n"
        "    while True: time.sleep(0.05)\n"
        "(place / 'resumed').touch()\n"
    )
    command, shard = [sys.executable, str(script), str(tmp_path)], slurm.Shard()
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(shard, command)
        await_file(tmp_path / "begun")
        again = shard.checkpoint(command)  # submitit calls it when SLURM says that time is up
        assert (tmp_path / "left").exists()
        assert isinstance(first.exception(), RunError)
    assert again.result() == 0
    assert (tmp_path / "resumed").exists()


def test_slurm_gets_one_array_with_what_a_job_asks_for(tmp_path: Path) -> None:
    """What it asks for is the file on the page, in full."""
    job = page.job(tmp_path)
    asked_for = read_yaml(job)
    assert {"partition", "time", "mem"} <= set(asked_for)
    with mocked_slurm() as mock:
        jobs = slurm.array(slurm.executor(tmp_path / "logs", str(job)), ["robustgan"], 4)
        assert [job.job_id for job in jobs] == [f"12_{i}" for i in range(4)]
        asked = max((path.read_text("utf-8") for path in (tmp_path / "logs").rglob("*.sh")), key=len)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in asked_for.items()]
        assert "#SBATCH --array=0-3" in asked
        assert {f"#SBATCH {option}" for option in (*options, "--job-name=robustgan")} <= set(asked.splitlines())
        mock.set_job_state("12", "FAILED", 4)
        lost = slurm.finish(jobs, silent)
    assert len(lost) == 4
    assert lost[2].startswith("job 12_2 broke off; its log is ")


def test_a_job_that_runs_out_of_time_is_queued_again_more_often_than_submitit_would_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SLURM's last word to a job comes as often as its time is over; the job starts from the file that it left."""
    with mocked_slurm():
        (job,) = slurm.array(slurm.executor(tmp_path, ""), ["robustgan"], 1)
    monkeypatch.setattr(SignalHandler, "has_timed_out", lambda self: True)
    queued: list[int] = []
    monkeypatch.setattr(SlurmJobEnvironment, "_requeue", lambda self, left: queued.append(left))
    for _ in range(20):
        delayed = DelayedSubmission.load(job.paths.submitted_pickle)
        with pytest.raises(SystemExit):
            SignalHandler(SlurmJobEnvironment(), job.paths, delayed).checkpoint_and_try_requeue(signal.SIGUSR2)
    assert len(queued) == 20


def test_a_wrong_parameter_and_a_machine_without_slurm_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="srun"):
        slurm.executor(tmp_path, "")
    (tmp_path / "job.yaml").write_text("partitoin: gpu\n")
    with mocked_slurm(), pytest.raises(InputError, match="partitoin"):
        slurm.executor(tmp_path, str(tmp_path / "job.yaml"))


def test_what_no_job_left_is_a_failure_with_its_reason(carry: Carry, place: Place) -> None:
    from robustgan.execute import Here

    bad, lost = stage(planted.refuse, "bad"), stage(planted.note, "lost")
    carry([tree()[0], bad], Here())
    assert store.failure(place.out / "runs", "refuse", bad.key)
    done, failed = carry([*tree(), bad, lost], slurm.Collected(place, Path("logs")))
    assert [one.name for one in done] == ["root"]
    assert [(one.name, why) for one, why in failed] == [
        ("left", "no job made it; their logs are in logs."),
        ("right", "no job made it; their logs are in logs."),
        ("top", "not run: it needs `left`, which failed"),
        ("bad", "planted: bad"),
        ("lost", "no job made it; their logs are in logs."),
    ]


def test_parts_that_jobs_left_are_joined_and_a_missing_one_is_named(tmp_path: Path) -> None:
    place = cells.prepare(Place(tmp_path / "out", tmp_path))
    crew = slurm.Collected(place, Path("logs"))
    left, right = list(cut([cells.cell()], 2)), list(cut([cells.cell(steps=3)], 2))
    cells.work([*left[:-1], right[0]], place)
    done, failed = cells.work([*left, *right], place, backend=crew)
    assert done[-2].key == left[-1].key
    why = "no job made it; their logs are in logs."
    assert [(stage.key, text) for stage, text in failed] == [(stage.key, why) for stage in right[1:]]
