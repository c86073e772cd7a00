"""A dask cluster of real parts, TLS on: started by the commands of docs/running.md, killed, poisoned."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
import pytest

from robustgan.errors import InputError, RunError
from robustgan.execute.cluster import Cluster
from robustgan.stages import Place
from tests.execute import certificates, planted
from tests.execute.conftest import Carry, alive, await_file, stage, tree, words

ROOT = Path(__file__).parents[2]
DASK = [sys.executable, "-m", "dask"]  # `dask`, of this environment
FILE = "scheduler.json"


def settings(tls: dict[str, str]) -> dict[str, str]:
    """The environment variables by which dask learns of certificates, as the page says."""
    both = {"CERT": tls["cert"], "KEY": tls["key"]}
    paths = {f"{who}__{what}": path for who in ("CLIENT", "SCHEDULER", "WORKER") for what, path in both.items()}
    return {f"DASK_DISTRIBUTED__COMM__TLS__{name}": path for name, path in {"CA_FILE": tls["ca-file"], **paths}.items()}


class Parts:
    """A scheduler and two workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tls = certificates.write(folder)
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.env = {**os.environ, "PYTHONPATH": path, **settings(self.tls)}
        self.scheduler = self.start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--protocol", "tls", "--no-dashboard",
            "--scheduler-file", FILE,
        )  # fmt: skip
        await_file(folder / FILE)
        self.workers = [
            self.start(
                "worker", "--scheduler-file", FILE, "--nthreads", "1", "--memory-limit", "0", "--no-dashboard",
                "--death-timeout", "60", "--local-directory", str(folder), "--name", name, *more,
            )
            for name, more in (("plain", ()), ("gifted", ("--resources", "GPU=1")))
        ]  # fmt: skip

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([*DASK, *command], cwd=self.folder, env=self.env, stdout=log, stderr=log)

    def stop(self) -> None:
        """Workers before the scheduler: a worker whose scheduler is gone waits for it to come back."""
        for process in (*self.workers, self.scheduler):
            process.terminate()
            process.wait(planted.GIVE_UP)


def below(pid: int) -> list[int]:
    """Processes that a process started, and those that they did, but for Python's own tracker of what they share."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(one) for task in tasks for one in task.read_text().split()] if alive(pid) else []
    found = [one for one in found if b"resource_tracker" not in Path(f"/proc/{one}/cmdline").read_bytes()]
    return [*found, *(one for child in found for one in below(child))]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    made = Parts(tmp_path_factory.mktemp("cluster"))
    yield made
    pids = [one for process in (made.scheduler, *made.workers) for one in (process.pid, *below(process.pid))]
    made.stop()
    assert len(pids) >= 5
    assert not any(map(alive, pids)), "a process outlived the cluster"


@contextmanager
def connected(parts: Parts) -> Iterator[Cluster]:
    """A run's connection, with the certificates from dask's settings."""
    tls = {f"distributed.comm.tls.client.{name}": parts.tls[name] for name in ("cert", "key")}
    with dask.config.set({"distributed.comm.tls.ca-file": parts.tls["ca-file"], **tls}):
        made = Cluster(str(parts.folder / FILE), 1)
        yield made
        made.close()


@pytest.fixture
def cluster(parts: Parts) -> Iterator[Cluster]:
    with connected(parts) as made:
        yield made


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
    wanting = [stage(planted.who, f"gpu{i}", device="auto") for i in range(3)]
    carry(wanting, cluster)
    assert words(place, wanting) == ["gifted"] * 3


DRIVER = """
from pathlib import Path
import sys
from robustgan import pipeline
from robustgan.execute import Manner
from robustgan.execute.cluster import Cluster
from robustgan.stages import Place
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
    file = str(parts.folder / FILE)
    driver = subprocess.Popen([sys.executable, place.data / "driver.py", place.data.parent, file], env=parts.env)
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
    parts = Parts(folder)
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


def test_an_address_without_a_port_is_refused_before_a_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("robustgan.execute.cluster.Client")
    with pytest.raises(InputError, match=r"no scheduler answers at nowhere .*missing port.*tls://HOST:PORT"):
        Cluster("nowhere", 1)
