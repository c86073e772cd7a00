"""SIGTERM and Ctrl-C: a training writes its checkpoint, then the process leaves, in ten seconds at most.

A step is told that it is to stop. One with checkpoints leaves as soon as the next is written; any other leaves at once,
as nothing of it is kept. Where either takes too long it is interrupted, and where even that is not heard (a long call
into a library), the process ends as if it had been killed, which no run minds.

A thread hears no signals; hosting.py says what it asks.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
PATIENCE = 6.0  # seconds that a training has to reach a checkpoint
INSISTENCE = 2.0  # seconds after which an interruption counts as not heard
MESSAGE = "Stopped. The same command goes on from here."


class Stopped(BaseException):
    """The process was asked to stop, and leaves with 128 + the signal's number."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class Stop:
    """Whether the process was asked to stop."""

    def __init__(self, patient: bool = False) -> None:
        self.signum, self.patient = 0, patient
        self.over = threading.Event()

    def __reduce__(self) -> tuple[type[Stop], tuple[bool]]:
        """In another process it is another one, which hears that process's signals."""
        return Stop, (self.patient,)

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Hear a signal: the first one asks a patient step, the next one (or the first one elsewhere) interrupts it."""
        again, self.signum = bool(self.signum), signum
        if not again:
            threading.Thread(target=self._insist, daemon=True).start()
        if again or not self.patient:
            raise Stopped(signum)

    @property
    def asked(self) -> bool:
        """Whether it is time to write a checkpoint and leave."""
        return self.signum != 0

    def leave(self) -> None:
        """Leave, if it was asked for: called where a checkpoint has just been written.

        Raises:
            Stopped: it was.
        """
        if self.asked:
            raise Stopped(self.signum)

    def _insist(self) -> None:
        if not self.over.wait(PATIENCE):
            os.kill(os.getpid(), self.signum)
        if not self.over.wait(INSISTENCE):
            os.write(2, f"\n{MESSAGE}\n".encode())
            os._exit(128 + self.signum)


@contextmanager
def heeded(patient: bool) -> Iterator[Stop]:
    """Heed signals while a step works; in a thread that cannot hear them, nothing ever asks."""
    stop = Stop(patient)
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {one: signal.signal(one, stop) for one in SIGNALS}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        stop.over.set()


def heed() -> None:
    """Make SIGTERM and Ctrl-C outside a step end the process with a message, leases given back."""
    stop = Stop()
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # what a shell runs in the background ignores it
        signal.signal(signal.SIGINT, stop)
