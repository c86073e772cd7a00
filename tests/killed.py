"""Run robustgan and die in the middle of one step: `python -P tests/killed.py STEP <arguments of robustgan>`.

Python tells an audit hook of every folder made, file opened and file renamed before it happens. The fifth such event
under the step's `.partial` folder, or the rename that would publish it, sends SIGKILL to this very process: no clock,
no polling, the same moment on every machine.
"""

import os
import signal
import sys

from robustgan.cli import main

WATCHED = ("os.mkdir", "open", "os.rename")
FIFTH = 5


def die_in(step: str) -> None:
    """Send SIGKILL to this process in the middle of `step`."""
    touched = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal touched
        if event not in WATCHED or not isinstance(args[0], str | os.PathLike):
            return
        path = os.fspath(args[0])
        _, found, name = str(path).partition(f"/runs/{step}/")
        folder, partial, inside = name.partition(".partial")
        if not found or not partial or "/" in folder:
            return
        touched += 1
        if touched == FIFTH or (event == "os.rename" and not inside):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if __name__ == "__main__":
    die_in(sys.argv.pop(1))
    main()
