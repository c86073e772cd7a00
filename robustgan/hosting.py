"""A step in a thread hears no signals (stopping.py): it asks what runs the thread, its host, whether that is leaving.

The host ends the process where a step takes too long to leave. A dask worker is such a host (execute/cluster.py).
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from robustgan import stopping
from robustgan.stopping import Stop

Leaving = Callable[[], bool]

HOST: ContextVar[Leaving | None] = ContextVar("host", default=None)  # of this thread


class Hosted(Stop):
    """Whether the host is leaving; for a step, that is a SIGTERM."""

    def __init__(self, patient: bool, leaving: Leaving) -> None:
        super().__init__(patient)
        self.leaving = leaving

    @property
    def asked(self) -> bool:
        """Whether it is time to write a checkpoint and leave."""
        if self.leaving():
            self.signum = signal.SIGTERM
        return super().asked


@contextmanager
def heeded(patient: bool) -> Iterator[Stop]:
    """Heed a host while a step works; where there is none, signals."""
    leaving = HOST.get()
    if leaving:
        yield Hosted(patient, leaving)
        return
    with stopping.heeded(patient) as stop:
        yield stop
