"""Memory that ran out: how to see it, what to say of it, and how to give some back.

Only asked where something failed: it is in the key of probes alone, of which a failure is a result (`store.LEFT_OUT`).
What is done then stands in batches.py.
"""

from __future__ import annotations

import sys

from robustgan.errors import MemoryShortError

ADVICE = "Use a machine with more memory, or smaller images (`pixels.size`) or a smaller network; then --retry-failed."


def refusal(what: str, found: str) -> str:
    """What to say where not even one image fits.

    Args:
        what: the work's name.
        found: the error's first line.
    """
    return f"{what}: out of memory with a batch of one image ({found}). {ADVICE}"


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
