"""SIGTERM and Ctrl-C: a patient step reaches its checkpoint, any other leaves at once, a deaf one is ended."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from robustgan import stopping
from robustgan.stopping import Stopped, heeded


def step(patient: bool, *signals: int, checkpoint: bool = False) -> None:
    """A step that gets signals, then waits, or writes a checkpoint."""
    with heeded(patient) as stop:
        stop.leave()  # nobody asked
        for one in signals:
            os.kill(os.getpid(), one)
        if checkpoint:
            assert stop.asked
            stop.leave()
        time.sleep(30)
        pytest.fail("it stayed")


@pytest.mark.parametrize("signum", stopping.SIGNALS)
def test_a_step_without_checkpoints_leaves_at_once(signum: int) -> None:
    before = signal.getsignal(signum)
    with pytest.raises(Stopped) as caught:
        step(False, signum)
    assert caught.value.signum == signum
    assert signal.getsignal(signum) == before


def test_a_step_with_checkpoints_leaves_after_the_next() -> None:
    with pytest.raises(Stopped):
        step(True, signal.SIGTERM, checkpoint=True)


def test_a_second_signal_interrupts_it() -> None:
    with pytest.raises(Stopped):
        step(True, signal.SIGTERM, signal.SIGINT)


def test_one_that_reaches_no_checkpoint_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "PATIENCE", 0.05)
    with pytest.raises(Stopped):
        step(True, signal.SIGTERM)


DEAF = """
import os, signal
from robustgan import stopping
stopping.PATIENCE = stopping.INSISTENCE = 0.05
with stopping.heeded(patient=True):
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        try:
            signal.pause()
        except stopping.Stopped:
            pass
"""


def test_one_that_hears_nothing_is_ended() -> None:
    done = subprocess.run([sys.executable, "-c", DEAF], capture_output=True, text=True, check=False)
    assert done.returncode == 143
    assert "The same command goes on from here" in done.stderr


def test_a_thread_that_cannot_hear_signals_is_not_asked() -> None:
    asked: list[bool] = []

    def work() -> None:
        with heeded(patient=False) as stop:
            asked.append(stop.asked)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [False]
    assert signal.getsignal(signal.SIGTERM) == before


def test_all_of_it_fits_into_ten_seconds() -> None:
    assert stopping.PATIENCE + stopping.INSISTENCE < 10
