"""Stage folders: by content, atomic, safe for two runs at once, and blind to comments."""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from robustgan import store
from robustgan.lease import Tell
from robustgan.store import cached, code_digest, digest


def fill(folder: Path, tell: Tell) -> dict:
    (folder / "result").write_text("done")
    return {"stage": "s"}


def test_a_finished_stage_is_not_built_again(tmp_path: Path) -> None:
    first = cached(tmp_path, "s", "k", fill)
    again = cached(tmp_path, "s", "k", lambda folder, tell: pytest.fail("built twice"))
    assert first == again
    assert (first / "result").read_text() == "done"
    assert (first / "run.json").exists()


def test_a_failed_stage_leaves_nothing_under_its_key(tmp_path: Path) -> None:
    def fail(folder: Path, tell: Tell) -> dict:
        (folder / "half").write_text("half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        cached(tmp_path, "s", "k", fail)
    assert not (tmp_path / "s" / "k").exists()
    done = cached(tmp_path, "s", "k", fill)
    assert not (done / "half").exists()


def test_a_checkpoint_survives_a_failure(tmp_path: Path) -> None:
    def stop(folder: Path, tell: Tell) -> dict:
        (folder / "checkpoint.pt").write_text("epoch 3")
        raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        cached(tmp_path, "s", "k", stop)

    def go_on(folder: Path, tell: Tell) -> dict:
        assert (folder / "checkpoint.pt").read_text() == "epoch 3"
        return fill(folder, tell)

    cached(tmp_path, "s", "k", go_on)


def test_a_kill_between_the_last_file_and_the_rename_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a training goes on from was removed before its folder had its name: a kill then asked a victim twice."""

    def train(folder: Path, tell: Tell) -> dict:
        (folder / "checkpoint.pt").write_text("epoch 3")
        return fill(folder, tell)

    def tidy(folder: Path) -> None:
        assert (folder / "run.json").exists()
        (folder / "checkpoint.pt").unlink(missing_ok=True)

    rename = Path.rename

    def killed(path: Path, target: Path) -> Path:
        if target.name == "k":
            raise KeyboardInterrupt
        return rename(path, target)

    for step in (lambda folder: (_ for _ in ()).throw(KeyboardInterrupt), tidy):
        monkeypatch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            cached(tmp_path, "s", "k", train, step)
        monkeypatch.undo()
    done = cached(tmp_path, "s", "k", lambda folder, tell: pytest.fail("built twice"), tidy)
    assert sorted(p.name for p in done.iterdir()) == ["result", "run.json"]


def slow(root: str, log: str) -> None:
    def build(folder: Path, tell: Tell) -> dict:
        with Path(log).open("a") as file:
            file.write("built\n")
        time.sleep(0.3)
        return fill(folder, tell)

    cached(Path(root), "s", "k", build)


def test_two_runs_at_once_build_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=slow, args=(str(tmp_path / "runs"), str(log))) for _ in range(2)]
    for process in runs:
        process.start()
    for process in runs:
        process.join()
        assert process.exitcode == 0
    assert log.read_text() == "built\n"


def hang(root: str) -> None:
    def build(folder: Path, tell: Tell) -> dict:
        (folder / "half").write_text("half")
        time.sleep(60)
        return {}

    cached(Path(root), "s", "k", build)


def test_a_killed_run_frees_its_lock_and_its_half_work(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=hang, args=(str(tmp_path),))
    process.start()
    while not list((tmp_path / "s").glob("k.*.partial/half")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    done = cached(tmp_path, "s", "k", fill)
    assert sorted(p.name for p in done.iterdir()) == ["result", "run.json"]


def test_one_that_hung_and_lost_its_lease_spoils_nothing(tmp_path: Path) -> None:
    """Another machine took over while this one hung: it finds its folder gone, and takes the other's result."""

    def hang(folder: Path, tell: Tell) -> dict:
        store.leased(tmp_path, "s", "k").unlink()  # what the other machine does after a minute of silence
        other = cached(tmp_path, "s", "k", fill)
        (folder / "late").write_text("this must not arrive")
        pytest.fail(f"wrote into {other}")

    done = cached(tmp_path, "s", "k", hang)
    assert sorted(p.name for p in done.iterdir()) == ["result", "run.json"]
    assert [p.name for p in (tmp_path / "s").iterdir()] == ["k"]


def test_a_failure_is_remembered_until_the_stage_succeeds(tmp_path: Path) -> None:
    record = {"stage": "s", "name": "a stage", "key": "k", "reason": "why", "kind": "failed", "pid": 1}
    assert store.failure(tmp_path, "s", "k") is None
    store.record_failure(tmp_path, record)
    assert store.failure(tmp_path, "s", "k") == record
    assert store.failure(tmp_path, "s", "other") is None
    cached(tmp_path, "s", "k", fill)
    assert store.failure(tmp_path, "s", "k") is None


def test_digests_do_not_depend_on_the_order_of_keys() -> None:
    assert digest({"a": 1, "b": [2, None]}) == digest({"b": [2, None], "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


def edited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str) -> str:
    """Digest of the function `step` in a module with this source."""
    (tmp_path / "made_up.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    for cache in (store._file, store._read_module, store._read_function):
        cache.cache_clear()
    sys.modules.pop("made_up", None)
    sys.path_importer_cache.clear()
    import importlib

    module = importlib.import_module("made_up")
    importlib.reload(module)
    return code_digest(module.step)


def test_comments_and_docstrings_do_not_count_but_code_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    base = "def helper():\n    return 1\n\ndef step():\n    return helper()\n\ndef other():\n    return 5\n"
    first = edited(monkeypatch, tmp_path, base)
    words = base.replace("def step():\n", 'def step():\n    """Say more."""\n    # why\n')
    assert edited(monkeypatch, tmp_path, words) == first
    assert edited(monkeypatch, tmp_path, base.replace("return 5", "return 6")) == first
    assert edited(monkeypatch, tmp_path, base.replace("return 1", "return 2")) != first


def test_a_digest_follows_imports() -> None:
    from robustgan import steps

    reached = code_digest(steps.split)
    assert reached != code_digest(steps.manifest)
    assert code_digest(steps.split, "robustgan.draws") != reached
