"""What a step in a thread heeds: a host that is leaving, and where there is none, nothing."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from robustgan import doing, hosting
from robustgan.journal import silent
from robustgan.stage import Place
from robustgan.stopping import Stopped
from tests.execute import planted
from tests.execute.conftest import await_file, stage


def test_with_no_host_a_step_heeds_signals() -> None:
    with pytest.raises(Stopped), hosting.heeded(patient=False):
        signal.raise_signal(signal.SIGTERM)


def test_a_step_is_asked_once_its_host_is_leaving() -> None:
    left = threading.Event()

    def work() -> None:
        hosting.HOST.set(left.is_set)
        with hosting.heeded(patient=True) as stop:
            assert not stop.asked
            stop.leave()
            left.set()
            stop.leave()

    with ThreadPoolExecutor(1) as thread, pytest.raises(Stopped) as caught:
        thread.submit(work).result()
    assert caught.value.signum == signal.SIGTERM


def test_a_step_without_checkpoints_leaves_when_it_tells_of_its_progress(tmp_path: Path) -> None:
    place = Place(tmp_path / "out", tmp_path)
    left, counting = threading.Event(), stage(planted.count, "counting")

    def work(leaving: Callable[[], bool]) -> Path:
        hosting.HOST.set(leaving)
        return doing.do(counting, place, silent)

    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(work, left.is_set)
        await_file(tmp_path / "counting")
        left.set()
        assert isinstance(result.exception(planted.GIVE_UP), Stopped)
    assert not list((place.out / "runs" / ".leases").iterdir())
    assert not place.has(counting)
