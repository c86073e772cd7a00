"""A dask cluster of real parts, TLS on: started by the commands of docs/running.md, killed, poisoned."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dask
import pytest

from robustgan.errors import InputError, MachineError, RunError
from robustgan.execute.cluster import Cluster
from robustgan.stage import Place
from tests.execute import certificates, page, planted
from tests.execute.conftest import Carry, alive, await_end, await_file, below, stage, tree, words
from tests.faults.conftest import TINY
from tests.test_cli_run import CHANGES

ROOT = Path(__file__).parents[2]
COMMANDS = page.read()
FILE = "scheduler.json"
GPU = " --resources GPU=1"


class Parts:
    """A scheduler and two workers by the page's commands, each a process of its own; one worker has a GPU, as it says.

    With `file` they find each other by a scheduler file and not by an address.
    """

    def __init__(self, folder: Path, file: bool = False, exports: str = "") -> None:
        self.folder, self.port = folder, free_port()
        certificates.write(folder)
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        given = {"PYTHONPATH": path, "PATH": page.path_with(Path(sys.executable).parent)}
        env = {**os.environ, **given, "DASK_TEMPORARY_DIRECTORY": str(folder)}
        self.env = page.exported(self.here(f"{COMMANDS.exports}\n{exports}"), env)
        address, option = f"tls://127.0.0.1:{self.port}", f"--scheduler-file {folder / FILE}"
        self.where = str(folder / FILE) if file else address
        self.scheduler = self.start(f"{COMMANDS.scheduler} {option if file else ''}")
        if file:
            await_file(folder / FILE)
        worker = self.here(COMMANDS.worker).replace(address, option if file else address)
        self.commands = [worker.replace(GPU, ""), worker]
        self.workers = [self.start(command) for command in self.commands]

    def here(self, command: str) -> str:
        return page.here(command, self.folder, self.port)

    def start(self, command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            words = page.shell(self.here(command))
            return subprocess.Popen(words, cwd=self.folder, env=self.env, stdout=log, stderr=log)

    def stop(self) -> None:
        """Workers before the scheduler: a worker whose scheduler is gone waits for it to come back."""
        for process in (*self.workers, self.scheduler):
            process.terminate()
            process.wait(planted.GIVE_UP)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    made = Parts(tmp_path_factory.mktemp("cluster"))
    await_workers(made)
    yield made
    pids = [one for process in (made.scheduler, *made.workers) for one in (process.pid, *below(process.pid))]
    made.stop()
    assert len(pids) >= 5
    assert not any(map(alive, pids)), "a process outlived the cluster"


@contextmanager
def connected(parts: Parts) -> Iterator[Cluster]:
    """A run's connection, with the certificates from dask's settings."""
    with dask.config.set(page.tls(parts.env)):
        made = Cluster(parts.where, 1)
        yield made
        made.close()


def await_workers(parts: Parts) -> None:
    """Wait until both are there."""
    with connected(parts) as crew:
        crew.client.wait_for_workers(2, timeout=planted.GIVE_UP)


@pytest.fixture
def cluster(parts: Parts) -> Iterator[Cluster]:
    with connected(parts) as made:
        yield made


def shared(place: Place, carry: Carry, crew: Cluster) -> None:
    """A worker dies; the one in its place does a training that two processes share."""
    mortal = stage(planted.die_once, "mortal")
    training = stage(planted.share, "training", mortal, processes=2, device="cpu")
    done, failed = carry([mortal, training], crew)
    assert (len(done), failed) == (2, [])
    assert (place.data / "training").read_text() == "0.5 of 2"


@pytest.mark.slow
def test_a_training_that_several_processes_share_runs_on_a_cluster_of_its_own(carry: Carry, place: Place) -> None:
    shared(place, carry, Cluster("", 1))


@pytest.mark.slow
def test_a_training_that_several_processes_share_runs_on_workers_started_by_hand(carry: Carry, place: Place) -> None:
    (place.data / "parts").mkdir()
    made = Parts(place.data / "parts", file=True, exports=COMMANDS.daemon)
    try:
        with connected(made) as crew:
            shared(place, carry, crew)
    finally:
        made.stop()


@pytest.mark.slow
def test_workers_that_may_not_start_processes_are_named(cluster: Cluster, carry: Carry) -> None:
    training = stage(planted.share, "training", processes=2, device="cpu")
    with pytest.raises(MachineError, match=COMMANDS.daemon):
        carry([training], cluster)


@pytest.mark.slow
def test_the_page_s_commands_carry_out_a_run(parts: Parts) -> None:
    """The last of them with a smaller config than the page's, and nothing but host, port and paths changed."""
    changes = " ".join(f"--set {shlex.quote(one)}" for one in CHANGES)
    command = parts.here(COMMANDS.run).replace(" quickstart ", f" {TINY} {changes} ")
    assert command.endswith(f" --out {parts.folder}/out")
    done = subprocess.run(page.shell(command), env=parts.env, cwd=parts.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = parts.folder / "out" / "reports" / "tiny"
    assert f"Report: {report / 'report.html'}" in done.stdout
    with connected(parts) as crew:
        log = crew.client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.transition_log))
    made = {str(entry[0]) for entry in log if entry[2] == "memory"}  # what workers said that they had done
    stages = json.loads((report / "run.json").read_text("utf-8"))["stages"]
    assert made >= {f"{one['stage']}-{one['key']}" for one in stages if one["stage"] != "report"}


def test_two_workers_work_at_once_and_a_killed_one_loses_only_its_try(
    cluster: Cluster, carry: Carry, place: Place
) -> None:
    assert cluster.client.scheduler.address.startswith("tls://127.0.0.1:")
    one, other = stage(planted.meet, "one", other="other"), stage(planted.meet, "other", other="one")
    mortal = stage(planted.die_once, "mortal", one)
    done, failed = carry([one, other, mortal, *tree()], cluster)
    assert (len(done), failed) == (7, [])
    assert words(place, [mortal]) == ["mortal one"]
    assert (place.data / "mortal.died").exists()


def test_a_poison_cell_fails_alone(cluster: Cluster, carry: Carry, place: Place) -> None:
    bad = stage(planted.poison, "bad")
    done, failed = carry([bad, stage(planted.note, "needy", bad), *tree(), stage(planted.refuse, "refused")], cluster)
    assert [one.name for one in done] == ["root", "left", "right", "top"]
    (_, why), (_, lost), (_, refused) = failed
    assert why.startswith("its worker died 4 times, last tls://127.0.0.1:")
    assert (lost, refused) == ("not run: it needs `bad`, which failed", "planted: refused")
    assert len((place.data / "deaths").read_text().splitlines()) == 4


def test_what_works_on_a_device_goes_where_a_gpu_is(cluster: Cluster, carry: Carry, place: Place) -> None:
    cluster.client.wait_for_workers(2, timeout=planted.GIVE_UP)  # one was killed by the test before
    workers = cluster.client.scheduler_info()["workers"].values()
    (gifted,) = (str(worker["id"]) for worker in workers if worker["resources"].get("GPU"))
    wanting = [stage(planted.who, f"gpu{i}", device="auto") for i in range(3)]
    carry(wanting, cluster)
    assert words(place, wanting) == [gifted] * 3


DRIVER = """
from pathlib import Path
import sys
from robustgan import pipeline
from robustgan.execute import Manner
from robustgan.execute.cluster import Cluster
from robustgan.stage import Place
from tests.execute import planted
from tests.execute.conftest import quiet, stage, tree
if __name__ == "__main__":
    root = Path(sys.argv[1])
    late = stage(planted.meet, "late", tree()[0], other="now")
    todo = [*tree(), late]
    pipeline.work(todo, Place(root / "out", root / "data"), quiet, Manner(Cluster(sys.argv[2], 1)))
"""


def test_a_run_that_was_killed_goes_on(cluster: Cluster, parts: Parts, carry: Carry, place: Place) -> None:
    (place.data / "driver.py").write_text(DRIVER)
    words_of = [sys.executable, place.data / "driver.py", place.data.parent, parts.where]
    driver = subprocess.Popen(words_of, env=parts.env)
    start = time.monotonic()
    while not (place.data / "late").exists():  # it is at work on a worker
        assert time.monotonic() - start < planted.GIVE_UP
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    (place.data / "now").touch()
    late = stage(planted.meet, "late", tree()[0], other="now")
    done, failed = carry([*tree(), late], cluster)
    assert (len(done), failed) == (5, [])
    assert words(place, [late]) == ["late root"]


OWN = """
from pathlib import Path
import sys
from robustgan import pipeline
from robustgan.execute import Manner
from robustgan.execute.cluster import Cluster
from robustgan.stage import Place
from tests.execute import planted
from tests.execute.conftest import quiet, stage, tree
if __name__ == "__main__":
    root = Path(sys.argv[1])
    pipeline.work([stage(planted.hang, "hangs")], Place(root / "out", root / "data"), quiet, Manner(Cluster("", 2)))
"""


def test_no_worker_outlives_a_run_with_a_cluster_of_its_own_that_is_killed(place: Place) -> None:
    (place.data / "driver.py").write_text(OWN)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen([sys.executable, place.data / "driver.py", place.data.parent], env=env)
    worker = int(await_file(place.data / "hangs"))
    pids = below(driver.pid)
    assert worker in pids
    assert len(pids) >= 2
    driver.kill()
    driver.wait()
    await_end(pids)


def test_a_worker_that_is_stopped_keeps_its_checkpoint_and_another_goes_on(
    cluster: Cluster, parts: Parts, place: Place, carry: Carry
) -> None:
    """SIGTERM for what the page's command started, and, as from a system that stops a unit, for all that it did."""
    told = place.data / "training"

    def stop() -> None:
        try:
            worker = int(await_file(told).split()[0])
            (i,) = (i for i, one in enumerate(parts.workers) if worker in below(one.pid))
            for pid in (parts.workers[i].pid, *below(parts.workers[i].pid)):
                os.kill(pid, signal.SIGTERM)
            parts.workers[i].wait(planted.GIVE_UP)
            parts.workers[i] = parts.start(parts.commands[i])
            start = time.monotonic()
            while told.read_text().splitlines()[-1].startswith(f"{worker} "):  # nobody else has done a step yet
                assert time.monotonic() - start < planted.GIVE_UP
                time.sleep(0.02)
        finally:
            (place.data / "enough").touch()

    with ThreadPoolExecutor(1) as thread:
        stopped = thread.submit(stop)
        done, failed = carry([stage(planted.train, "training")], cluster)
        stopped.result()
    await_workers(parts)
    assert (len(done), failed) == (1, [])
    pids, steps = zip(*(line.split() for line in told.read_text().splitlines()), strict=True)
    assert len(set(pids)) == 2
    assert [int(step) for step in steps] == list(range(1, len(steps) + 1))  # none was lost and none was done twice


def test_a_cluster_of_its_own_ends_with_the_run(carry: Carry, place: Place) -> None:
    before = set(below(os.getpid()))  # the other tests' cluster
    crew = Cluster("", 2)
    assert crew.client.scheduler.address.startswith("tls://")
    pids = set(below(os.getpid())) - before
    assert len(pids) >= 2
    done, failed = carry([*tree(), stage(planted.refuse, "refused")], crew)
    assert [one.name for one in done] == ["root", "left", "right", "top"]
    assert [why for _, why in failed] == ["planted: refused"]
    assert not any(map(alive, pids))


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run(carry: Carry, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robustgan.execute.cluster.PATIENCE", 1)
    folder = place.data / "parts"
    folder.mkdir()
    parts = Parts(folder, file=True)  # once the file is there, the scheduler answers
    hanging = [stage(planted.hang, "one"), stage(planted.hang, "other")]
    pids: list[int] = []

    def kill() -> None:
        pids.extend(int(await_file(place.data / one.name)) for one in hanging)
        parts.scheduler.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with connected(parts) as crew, pytest.raises(RunError, match="the dask scheduler is gone"):
            carry([*hanging, *tree()], crew)
    finally:
        killer.join()
        parts.stop()
        for pid in filter(alive, pids):
            os.kill(pid, signal.SIGKILL)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robustgan.execute.cluster.PATIENCE", 1)
    with pytest.raises(InputError, match=r"no scheduler answers at tcp://127.0.0.1:9"):
        Cluster("tcp://127.0.0.1:9", 1)


@pytest.fixture
def strangers(tmp_path: Path) -> dict[str, str]:
    """Settings of TLS with certificates of another authority."""
    certificates.write(tmp_path)
    return page.tls(page.exported(page.here(COMMANDS.exports, tmp_path, 0), dict(os.environ)))


def test_a_client_with_certificates_of_another_authority_is_refused(
    parts: Parts, strangers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robustgan.execute.cluster.PATIENCE", 2)
    with dask.config.set(strangers), pytest.raises(InputError, match="no scheduler answers at tls://") as caught:
        Cluster(parts.where, 1)
    assert "CERTIFICATE" in str(caught.value).upper()


def test_a_client_that_trusts_the_authority_and_has_no_certificate_of_its_is_refused(
    parts: Parts, strangers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the scheduler that refuses it: with that alone, the client would connect."""
    monkeypatch.setattr("robustgan.execute.cluster.PATIENCE", 2)
    authority = {name: value for name, value in page.tls(parts.env).items() if name.endswith("ca-file")}
    with dask.config.set({**strangers, **authority}), pytest.raises(InputError, match="no scheduler answers at tls://"):
        Cluster(parts.where, 1)


def test_a_client_without_tls_is_refused(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("robustgan.execute.cluster.PATIENCE", 2)
    with pytest.raises(InputError, match="no scheduler answers at tcp://"):
        Cluster(parts.where.replace("tls://", "tcp://"), 1)


def test_an_address_without_a_port_is_refused_before_a_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("robustgan.execute.cluster.Client")
    with pytest.raises(InputError, match=r"no scheduler answers at nowhere .*missing port.*tls://HOST:PORT"):
        Cluster("nowhere", 1)
