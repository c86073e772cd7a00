"""A real S3-compatible server, a process of its own on the loopback address, and the commands of docs/remote.md."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from robustgan import images
from robustgan.errors import InputError, StoreError
from robustgan.journal import silent
from robustgan.remote import data
from robustgan.remote.address import Address
from robustgan.remote.depot import Depot, read_report
from robustgan.seal import SEAL
from tests.remote.conftest import contents, written
from tests.remote.test_depot import report, stage

PATIENCE = 60.0  # seconds that the server may take to start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment variables that lead S3 clients to the server."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    pytest.importorskip("flask_cors", reason="moto[server] is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("s3") / "log").open("w")
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        _wait(port, process)
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        log.close()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the S3 server did not start")


@pytest.fixture
def bucket(server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """URL of a folder in an empty bucket."""
    import s3fs

    for name, value in server.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    name = tmp_path.name.replace("_", "-")[:60].lower()
    s3fs.S3FileSystem().mkdir(name)
    yield f"s3://{name}/team"
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_stage_goes_there_and_comes_back(bucket: str, tmp_path: Path) -> None:
    depot, sent = Depot(bucket), stage(tmp_path / "sent", {f"examples/{i:03d} [ä]*.png": bytes([i]) for i in range(30)})
    depot.open()
    depot.push("attacked", "k", sent)
    assert contents(depot.bring(tmp_path, "attacked", "k", light=False) or tmp_path) == contents(sent)
    Address(f"{bucket}/runs/attacked/k").write("examples/001 [ä]*.png", b"other")
    assert depot.bring(tmp_path / "again", "attacked", "k", light=False) is None
    assert not depot.has("attacked", "k")


def test_what_another_machine_writes_is_seen_at_once(bucket: str, server: dict[str, str], tmp_path: Path) -> None:
    depot = Depot(bucket)
    assert not depot.has("attacked", "k")
    assert Address(bucket).files() == {}
    stage(tmp_path / "sent")
    code = (
        "import sys; from pathlib import Path; from robustgan.remote.depot import Depot\n"
        "Depot(sys.argv[1]).push('attacked', 'k', Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, bucket, tmp_path / "sent"], check=True, env={**os.environ, **server})
    assert depot.has("attacked", "k")
    assert f"runs/attacked/k/{SEAL}" in Address(bucket).files()


def test_a_report_replaces_the_one_before(bucket: str, tmp_path: Path) -> None:
    for name, files in (("old", {"a [1].png": b"x", "b": b"1"}), ("new", {"b": b"2"})):
        folder = report(tmp_path / name / "smoke", files)
        Depot(bucket).publish(folder)
        (tmp_path / name / "back").mkdir()
        assert contents(read_report(f"{bucket}/reports/smoke", tmp_path / name / "back")) == contents(folder)
    assert set(Address(f"{bucket}/reports/smoke").files()) == {"b", SEAL}


def test_data_are_copied_once_and_what_changed_comes_anew(bucket: str, tmp_path: Path) -> None:
    at, seen = Address(f"{bucket}/slides"), list[int]()
    at.put(written(tmp_path / "sent", {"a.png": b"a", "b/c.png": b"c"}), ["a.png", "b/c.png"])
    at.write("b/", b"")  # what consoles leave for a folder

    def found() -> dict[str, bytes]:
        folder = data.found(bucket, "slides", tmp_path / "here", lambda done, total, text: seen.append(total))
        return contents(folder / "slides")

    assert found() == found() == {"a.png": b"a", "b/c.png": b"c"}
    at.write("a.png", b"A")
    assert found() == {"a.png": b"A", "b/c.png": b"c"}
    assert seen == [2, 1]  # files that were fetched: both, none, one


def test_names_on_a_server_cannot_leave_the_copy(bucket: str, tmp_path: Path) -> None:
    import s3fs

    name, _, folder = bucket.removeprefix("s3://").partition("/")
    s3fs.S3FileSystem().call_s3("put_object", Bucket=name, Key=f"{folder}/slides/../../evil", Body=b"evil")
    with pytest.raises(InputError, match="could leave its folder"):
        data.found(bucket, "slides", tmp_path, silent)
    assert not list(tmp_path.rglob("evil"))


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises(StoreError, match="Is the bucket or folder right"):
        Depot("s3://no-such-bucket/x").open()


def test_a_server_that_is_not_there_is_named(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9"):
        Depot(bucket).open()


def robustgan(*words: str, env: dict[str, str], code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "robustgan", *words], env={**os.environ, **env}, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def slides(folder: Path) -> list[str]:
    """Write one image of each of twenty patients and a manifest; the names of the files."""
    rng, lines = np.random.default_rng(0), ["path,label,group"]
    folder.mkdir(parents=True)
    for i in range(20):
        picture = rng.integers(0, 128, (32, 32, 3), np.uint8)
        picture[..., 0] += np.uint8(100 * (i % 2))
        images.to_png(picture, folder / f"{i:02}.png")
        lines.append(f"{i:02}.png,{i % 2},patient-{i:02}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_the_commands_of_the_documentation(bucket: str, server: dict[str, str], tmp_path: Path) -> None:
    """`run` and `plan` with data and results on the server, `status`, `compare`, `report` and `gate`."""
    at, names = Address(f"{bucket}/data/slides"), slides(tmp_path / "sent")
    at.put(tmp_path / "sent", names)
    changed = ["dataset={kind: folder, root: slides}", "oracles=[]", "attacks=[{kind: clean}]", "strength=null"]
    sets = [word for change in changed for word in ("--set", change)]
    run = ["smoke", "--out", bucket, "--data", f"{bucket}/data", *sets]
    first = robustgan("run", *run, "--workers", "2", "--scratch", str(tmp_path / "a"), env=server)
    assert f"Kept: {bucket}/reports/smoke" in first
    rows = json.loads(robustgan("plan", *run, "--scratch", str(tmp_path / "b"), "--json", env=server))
    assert all(row["cached"] for row in rows)
    (here,) = tmp_path.glob("b/*/files/slides")
    assert contents(here) == contents(tmp_path / "sent")
    assert "report is written" in robustgan("status", *run, "--scratch", str(tmp_path / "b"), env=server)
    second = robustgan("run", *run, "--scratch", str(tmp_path / "b"), "--json", env=server)
    assert {json.loads(line)["event"] for line in second.splitlines()[:-1]} == {"kept"}
    both = [next((tmp_path / name).glob("*/reports/smoke")) for name in ("a", "b")]
    tables = [{name: text for name, text in contents(folder).items() if name != SEAL} for folder in both]
    assert tables[0] == tables[1]
    url = f"{bucket}/reports/smoke"
    assert robustgan("compare", url, str(both[0]), "--json", env=server)
    assert url in robustgan("report", url, env=server)
    verdicts = [robustgan("gate", place, "--policy", "release", env=server, code=1) for place in (url, str(both[0]))]
    assert "Verdict: " in verdicts[0]
    assert verdicts[0] == verdicts[1]
    at.write("00.png", (tmp_path / "sent" / "02.png").read_bytes())
    rows = json.loads(robustgan("plan", *run, "--scratch", str(tmp_path / "a"), "--json", env=server))
    assert not any(row["cached"] for row in rows)
