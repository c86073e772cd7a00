"""Out of memory: the batch is halved and the work goes on, with the same verdicts.

Random numbers belong to images and not to batches, so a smaller batch makes the same images (up to the last bits of
sums, whose order depends on the batch) and the same verdicts. On a GPU this is how the size of a batch is found: what
the settings say is the most that is tried.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from robustgan.errors import MemoryShortError
from robustgan.memory import empty, refusal, short

log = logging.getLogger(__name__)
T = TypeVar("T")


class Room:
    """How many images fit into memory at once, as far as is known: a cell owns one, so that it learns this once."""

    def __init__(self, batch: int) -> None:
        self.batch = batch


def halved(images: int, room: Room, work: Callable[[slice], T], what: str) -> Iterator[T]:
    """Do work on images a batch at a time, in order; from a batch that does not fit on with batches of half its size.

    Args:
        images: how many there are.
        room: how many are tried at once; it is left smaller where these were too many.
        work: does one batch, and leaves nothing behind where it fails.
        what: the work's name in the log.

    Raises:
        MemoryShortError: a batch of one image does not fit.
    """
    start = 0
    while start < images:
        stop = min(start + room.batch, images)
        try:
            done = work(slice(start, stop))
        except Exception as error:
            if not short(error):
                raise
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
        else:
            yield done
            start = stop
            continue
        if stop - start == 1:
            raise MemoryShortError(refusal(what, text))
        room.batch = (stop - start + 1) // 2
        log.warning("%s: out of memory; going on with batches of %d. Verdicts stay the same.", what, room.batch)
        empty()
