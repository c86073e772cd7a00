"""The depot: what goes there comes back the same or not at all, whatever happens in between."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robustgan.errors import InputError, StoreError
from robustgan.remote.address import Address
from robustgan.remote.depot import Depot, read_report
from robustgan.seal import SEAL, digests
from tests.remote.conftest import contents, written

RECORD = {"stage": "attacked", "name": "attack", "key": "k", "seconds": 0.1, "settings": {"eps": 8 / 255}}
FILES = {"predictions.parquet": b"rows", "examples/a.png": b"picture", "pixels.npy": b"heavy"}
WORD = st.text("abcé.[*", min_size=1, max_size=4).filter(lambda word: word.strip("."))
NAME = st.lists(WORD.map(lambda word: f"d{word}"), max_size=2).flatmap(
    lambda folders: WORD.map(lambda word: "/".join([*folders, f"f{word}"]))
)


def stage(folder: Path, files: dict[str, bytes] = FILES, key: str = "k") -> Path:
    """A finished stage's folder."""
    record = json.dumps({**RECORD, "key": key}, indent=1, sort_keys=True) + "\n"
    return written(folder, {**files, SEAL: record.encode()})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(files=st.dictionaries(NAME, st.binary(max_size=40), max_size=4))
def test_what_is_pushed_comes_back_with_the_same_bytes(
    files: dict[str, bytes], url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    key = here.name  # another for each example
    sent = stage(here / "sent", files, key)
    Depot(url).push("attacked", key, sent)
    back = Depot(url).bring(there, "attacked", key, light=False)
    assert back == there / "runs" / "attacked" / key
    assert contents(back) == contents(sent)


def test_a_light_copy_leaves_what_is_heavy_and_lies_apart(url: str, tmp_path: Path) -> None:
    depot = Depot(url)
    depot.push("attacked", "k", stage(tmp_path / "sent"))
    light = depot.bring(tmp_path, "attacked", "k", light=True)
    assert light == tmp_path / "light" / "attacked" / "k"
    assert set(contents(light)) == {"predictions.parquet", "examples/a.png", SEAL}
    assert set(contents(depot.bring(tmp_path, "attacked", "k", light=False) or tmp_path)) == {*FILES, SEAL}


def test_a_stage_is_there_only_with_its_seal(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depot, sent = Depot(url), stage(tmp_path / "sent")
    with monkeypatch.context() as broken:
        broken.setattr(Address, "write", lambda *args: pytest.fail("the connection broke"))
        with pytest.raises(pytest.fail.Exception):
            depot.push("attacked", "k", sent)
    assert set(Address(f"{url}/runs/attacked/k").files()) == set(FILES)
    assert not depot.has("attacked", "k")
    assert depot.bring(tmp_path, "attacked", "k", light=False) is None
    depot.push("attacked", "k", sent)
    assert contents(depot.bring(tmp_path, "attacked", "k", light=False) or tmp_path) == contents(sent)


KILLED = """
import os, signal, sys
from pathlib import Path
from robustgan.remote.depot import Depot
url, what, at, place = sys.argv[1:]
depot, left = Depot(url), int(at)
depot.has("attacked", "k")
def hook(event, args):
    global left
    if event in ("open", "os.rename", "os.mkdir") and str(args[0]).startswith(place):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
if what == "push":
    depot.push("attacked", "k", Path(place).parent / "sent")
else:
    depot.bring(Path(place), "attacked", "k", light=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["push", "bring"])
def test_a_kill_at_any_moment_leaves_a_whole_stage_or_none(what: str, tmp_path: Path) -> None:
    store, sent = tmp_path / "store", stage(tmp_path / "sent")
    depot, place = Depot(f"file://{store}"), store if what == "push" else tmp_path / "here"
    if what == "bring":
        depot.push("attacked", "k", sent)
    for moment in range(100):
        words = [sys.executable, "-P", "-c", KILLED, depot.url, what, str(moment), str(place)]
        code = subprocess.run(words, check=False).returncode
        whole = depot.has("attacked", "k") if what == "push" else (place / "runs/attacked/k").exists()
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert not whole or what == "bring"  # a kill may come between the rename and the end
    assert whole
    assert 3 < moment < 99
    assert contents(depot.bring(tmp_path / "last", "attacked", "k", light=False) or tmp_path) == contents(sent)
    if what == "bring":
        assert contents(place / "runs/attacked/k") == contents(sent)


def _damage(at: Address, how: str) -> None:
    record = json.loads(at.read(SEAL))
    if how == "bytes":
        at.write("predictions.parquet", b"rowz")
    elif how == "gone":
        at.remove(["examples/a.png"])
    elif how == "cut seal":
        at.write(SEAL, at.read(SEAL)[:30])
    elif how == "no digests":
        at.write(SEAL, json.dumps({**record, "files": ["predictions.parquet"]}).encode())
    else:
        at.write(SEAL, json.dumps({**record, "key": "another"}).encode())


@pytest.mark.parametrize("how", ["bytes", "gone", "cut seal", "no digests", "another's"])
def test_a_damaged_stage_is_not_used_and_counts_as_not_there(how: str, url: str, tmp_path: Path) -> None:
    depot, sent = Depot(url), stage(tmp_path / "sent")
    depot.push("attacked", "k", sent)
    _damage(Address(f"{url}/runs/attacked/k"), how)
    assert depot.bring(tmp_path, "attacked", "k", light=False) is None
    assert not (tmp_path / "runs/attacked/k").exists()
    assert not depot.has("attacked", "k")
    depot.push("attacked", "k", sent)  # made again
    assert contents(depot.bring(tmp_path, "attacked", "k", light=False) or tmp_path) == contents(sent)


@pytest.mark.parametrize("name", ["../../../escaped", "/tmp/escaped-from-a-depot", "a/../../b"])
def test_a_seal_cannot_write_outside_the_stage_s_folder(name: str, url: str, tmp_path: Path) -> None:
    depot = Depot(url)
    depot.push("attacked", "k", stage(tmp_path / "sent"))
    record: dict[str, Any] = {**RECORD, "files": {name: "0" * 64}}
    Address(f"{url}/runs/attacked/k").write(SEAL, json.dumps(record).encode())
    before = {path for path in tmp_path.rglob("*") if "store" not in path.parts}
    with pytest.raises(InputError, match="could leave its folder"):
        depot.bring(tmp_path / "here", "attacked", "k", light=False)
    made = {path for path in tmp_path.rglob("*") if "store" not in path.parts} - before
    assert all(path.is_relative_to(tmp_path / "here") for path in made)
    assert not (tmp_path / "here/runs/attacked/k").exists()


def test_a_training_that_stopped_here_leaves_nothing_in_what_is_brought(url: str, tmp_path: Path) -> None:
    Depot(url).push("attacked", "k", stage(tmp_path / "sent"))
    written(tmp_path / "runs/attacked/k.partial", {"checkpoint.pt": b"half", "stats.jsonl": b"{}\n"})
    back = Depot(url).bring(tmp_path, "attacked", "k", light=False)
    assert contents(back or tmp_path) == contents(tmp_path / "sent")


def test_a_store_that_cannot_be_written_is_named_before_anything_is_computed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        Depot(f"file://{tmp_path}/file/out").open()


# ------------------------------------------------------------------------------------------------------- reports


def report(folder: Path, files: dict[str, bytes]) -> Path:
    """A report's folder with its seal."""
    written(folder, files)
    (folder / SEAL).write_text(json.dumps({"config": {}, "files": digests(folder)}))
    return folder


def test_a_report_replaces_the_one_before(url: str, tmp_path: Path) -> None:
    old = report(tmp_path / "old/smoke", {"report.html": b"old", "figures/gone.png": b"x"})
    new = report(tmp_path / "new/smoke", {"report.html": b"new", "figures/more.png": b"y"})
    for folder in (old, new):
        Depot(url).publish(folder)
        (tmp_path / folder.parent.name / "back").mkdir()
        back = read_report(Depot(url).report("smoke"), tmp_path / folder.parent.name / "back")
        assert contents(back) == contents(folder)
    assert set(Address(url).under("reports/smoke").files()) == set(contents(new))


def test_a_report_that_is_half_replaced_is_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Depot(url).publish(report(tmp_path / "old/smoke", {"report.html": b"old", "evidence/a": b"1"}))
    new = report(tmp_path / "new/smoke", {"report.html": b"new"})
    for step in ("remove", "write"):
        with monkeypatch.context() as broken:
            broken.setattr(Address, step, lambda *args: pytest.fail("killed"))
            with pytest.raises(pytest.fail.Exception):
                Depot(url).publish(new)
        (tmp_path / step).mkdir()
        with pytest.raises(InputError, match=r"Is it being published|no whole report"):
            read_report(Depot(url).report("smoke"), tmp_path / step)


def test_where_no_report_is_the_url_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="reports/none: no whole report there"):
        read_report(Depot(url).report("none"), tmp_path)
