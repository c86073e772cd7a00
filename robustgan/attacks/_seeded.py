"""Borrow the global random number generators of Python, numpy and torch, and give them back untouched.

Other people's attacks draw from them; ours never do (`draws.py`).
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np


@contextmanager
def seeded(seed: int) -> Iterator[Callable[[], bool]]:
    """Seed every global generator; yields a function that says whether numpy or Python drew from theirs."""
    import torch

    class Seeded(np.random.RandomState):
        """Some methods make a generator from the clock: this one has the image's seed instead."""

        def __init__(self, own: int | None = None) -> None:
            super().__init__(seed % 2**32 if own is None else own)
            np.random.random()  # noqa: NPY002 - leaves a trace in the global state: something is drawn

    kept = random.getstate(), np.random.get_state()  # noqa: NPY002 - the generator that ART draws from
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices), patch.object(np.random, "RandomState", Seeded):
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        torch.manual_seed(seed)
        before = _states()
        try:
            yield lambda: _states() != before
        finally:
            random.setstate(kept[0])
            np.random.set_state(kept[1])  # noqa: NPY002


def _states() -> tuple[str, str]:
    """States of Python's and numpy's generators; torch's loaders draw seeds that nothing depends on."""
    _, keys, place, *_ = np.random.get_state(legacy=True)  # noqa: NPY002
    return repr(random.getstate()), f"{np.asarray(keys).tobytes()!r} {place}"
