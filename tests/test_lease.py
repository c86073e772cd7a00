"""Leases: one holder; the dead lose theirs, the living never do; clocks are never compared."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from robustgan import lease

HERE = lease.identity()


def elsewhere(**changes: object) -> dict[str, object]:
    """What a lease of another machine says."""
    return {**HERE, "host": "far", "machine": "far away", "token": "t", "beat": 1.0, **changes}


def never() -> bool:
    return False


def test_only_one_can_claim_and_the_next_one_can_when_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "leases" / "s-k.json"
    first = lease.claim(path)
    assert first is not None
    assert lease.claim(path) is None
    first.release()
    assert list(path.parent.iterdir()) == []
    second = lease.claim(path)
    assert second is not None
    second.release()


def test_a_lease_says_who_where_and_how_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.01)
    path = tmp_path / "s-k.json"
    with lease.held(path, never) as mine:
        assert mine is not None
        first = lease.read(path)
        mine.tell(3, 10, "epoch 1")
        while (found := lease.read(path)) and found["done"] != 3:
            time.sleep(0.01)
    assert found is not None
    assert first is not None
    assert (found["host"], found["pid"]) == (socket.gethostname(), os.getpid())
    assert (found["done"], found["total"], found["what"]) == (3, 10, "epoch 1")
    assert found["beat"] > first["beat"] >= found["started"]


def test_threads_that_race_hold_it_one_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with lease.held(tmp_path / "x.json", never):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    first = lease.claim(tmp_path / "x.json")
    assert first is not None
    assert lease.claim(tmp_path / "x.json") is None
    first.release()


def hold(path: str) -> None:
    with lease.held(Path(path), never):
        time.sleep(60)


def test_a_process_that_was_killed_loses_its_lease_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    process = multiprocessing.get_context("spawn").Process(target=hold, args=(str(path),))
    process.start()
    while not lease.read(path):
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    with lease.held(path, never) as mine:  # nobody has waited for the dead process yet: it is a zombie
        assert mine is not None
    process.join()


def test_a_process_number_that_is_used_again_is_another_process() -> None:
    assert lease.alive(HERE) is True
    assert lease.alive({**HERE, "born": "17"}) is False
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert lease.alive({**HERE, "pid": gone.pid}) is False
    assert lease.alive(elsewhere()) is None


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def silent_for(observer: lease.Observer, clock: Clock, seconds: float, found: dict[str, object]) -> bool:
    """Look once a second; whether the holder counts as gone at the end."""
    gone = observer.gone(found)
    for _ in range(int(seconds)):
        clock.now += 1
        gone = observer.gone(found)
    return gone


def test_a_dead_host_loses_its_lease_after_a_minute_of_silence() -> None:
    clock = Clock()
    observer = lease.Observer(clock)
    assert not silent_for(observer, clock, 59, elsewhere())
    assert silent_for(observer, clock, 1, elsewhere())


def test_any_beat_starts_the_minute_anew() -> None:
    clock = Clock()
    observer = lease.Observer(clock)
    assert not silent_for(observer, clock, 59, elsewhere())
    assert not silent_for(observer, clock, 59, elsewhere(beat=2.0))
    assert not silent_for(observer, clock, 59, elsewhere(beat=2.0, token="another"))


@pytest.mark.parametrize("jump", [-1e9, 1e9])
def test_clocks_that_jump_change_nothing(jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder whose clock is years off, and an observer whose clock is set while it looks."""
    clock = Clock()
    observer = lease.Observer(clock)
    assert not silent_for(observer, clock, 30, elsewhere(beat=time.time() + jump))
    monkeypatch.setattr(time, "time", lambda: jump)
    assert not silent_for(observer, clock, 29, elsewhere(beat=time.time() + jump + 1))
    assert lease.alive(HERE) is True


def test_an_observer_that_stood_still_has_seen_no_silence() -> None:
    clock = Clock()
    observer = lease.Observer(clock)
    observer.gone(elsewhere())
    clock.now += 3600
    assert not observer.gone(elsewhere())


def test_a_stale_lease_of_a_dead_host_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "SILENCE", 0.3)
    monkeypatch.setattr(lease, "POLL", 0.1)
    path = tmp_path / "x.json"
    path.write_text(json.dumps(elsewhere()))
    with lease.held(path, never) as mine:
        assert mine is not None
        found = lease.read(path)
        assert found is not None
        assert found["pid"] == os.getpid()


def test_a_lease_that_changed_hands_meanwhile_is_put_back(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(elsewhere(token="new")))
    lease.remove(path, elsewhere(token="old"))
    assert (lease.read(path) or {}).get("token") == "new"
    lease.remove(path, elsewhere(token="new"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_lease_that_cannot_be_read_is_not_taken_for_free(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    assert lease.read(tmp_path / "x.json") == {}
    assert lease.claim(tmp_path / "x.json") is None


def test_a_holder_that_lost_its_lease_beats_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.01)
    path = tmp_path / "x.json"
    mine = lease.claim(path)
    assert mine is not None
    path.write_text(json.dumps(elsewhere()))
    mine.thread.join()
    mine.release()
    assert (lease.read(path) or {}).get("host") == "far"
