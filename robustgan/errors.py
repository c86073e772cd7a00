"""Errors that a user can mend: what was found, what is allowed, what to do."""

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """Something given to robustgan (a config, a file, a folder) is wrong; the command line exits with 2."""


class MachineError(InputError):
    """This machine lacks something: the same would go well on another one, so it is not kept as a failure."""


class FullDiskError(MachineError):
    """Nothing more can be written: no other part of a run would fare better."""


class StoreError(MachineError):
    """The store behind a URL refuses, or cannot be reached."""


class RunError(Exception):
    """A run could not go on (a loss that is not finite, a budget that was broken)."""


class MemoryShortError(RunError):
    """Memory ran out, and no smaller batch helps."""


def nearest(found: str, allowed: Iterable[str]) -> str:
    """Say what is allowed, and which of it looks most like what was found."""
    names = sorted(allowed)
    close = difflib.get_close_matches(found, names, n=1, cutoff=0.5)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    return f"Allowed: {', '.join(names)}.{hint}"
