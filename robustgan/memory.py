"""Out of memory: the batch is halved and the work goes on, with the same verdicts.

Random numbers belong to images and not to batches, so a smaller batch makes the same images (up to the last bits of
sums, whose order depends on the batch) and the same verdicts.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from robustgan.errors import MemoryShortError

log = logging.getLogger(__name__)
T = TypeVar("T")


def halved(images: int, batch: int, work: Callable[[slice], T], what: str) -> Iterator[T]:
    """Do work on images a batch at a time, in order; from a batch that does not fit on with batches of half its size.

    Args:
        images: how many there are.
        batch: how many are tried at once, at first.
        work: does one batch, and leaves nothing behind where it fails.
        what: the work's name in the log.

    Raises:
        MemoryShortError: a batch of one image does not fit.
    """
    start = 0
    while start < images:
        try:
            done = work(slice(start, min(start + batch, images)))
        except Exception as error:
            if not short(error):
                raise
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
        else:
            yield done
            start += batch
            continue
        if batch == 1:
            raise MemoryShortError(f"{what}: out of memory with a batch of one image ({text}). {ADVICE}")
        batch = (min(batch, images - start) + 1) // 2
        log.warning("%s: out of memory; going on with batches of %d. Verdicts stay the same.", what, batch)
        empty()


ADVICE = "Use a machine with more memory, or smaller images (`pixels.size`) or a smaller network; then --retry-failed."


def short(error: BaseException | None) -> bool:
    """Whether an error says that memory ran out, on a GPU or here, itself or as its cause."""
    torch = sys.modules.get("torch")
    while error is not None:
        kinds = (MemoryError, MemoryShortError, *((torch.OutOfMemoryError,) if torch else ()))
        if isinstance(error, kinds) or "DefaultCPUAllocator: can't allocate memory" in str(error):
            return True
        error = error.__cause__
    return False


def empty() -> None:
    """Give back what torch keeps of the GPU's memory for later."""
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
