"""A process that has imported everything, and forks robustgans to which something happens: `python zygote.py CONFIG`.

It reads a JSON object a line, `{"words": [...], "log": FILE, "faults": [...]}`, and answers with a list a line: the
exit code, or minus the signal, of one `robustgan WORDS` for each fault; all of them run at once. What they print goes
to `LOG.txt`, the points that they pass to `LOG`. A fault may have

- `kind`, `number`: it comes at the n-th point of stages of that kind, or at any point of the kinds in `later`;
- `signal`: the process gets this signal then, and `LOG.at` says when, on the machine's monotonic clock;
- `errno`: what it was about to do fails with this error;
- `torn`: a file that is about to get its name is cut in half first, as by a kill in the middle of writing it
  (libraries write their files without Python knowing);
- `more`: words of the command that are its own;
- `clock`: seconds by which the process's clock is wrong; `silence`: seconds after which a host counts as dead;
  `beat`: seconds between two beats; `machine`: name of the machine that it takes itself to be on;
- `jump`: seconds by which its clock jumps then; it stands still until the file `until` is there, but for its beats;
- `looks`, `tell`: once it has looked so often at a lease of another machine, the file `tell` is made;
- `after`: it begins when this file is there.

A point is a folder made, a file opened to be written, linked, renamed or removed, just before it happens, or a tick of
the progress: the same moments on every machine, without clocks.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

from robustgan import cli, lease
from robustgan.config import read_yaml
from robustgan.experiment import experiment
from robustgan.stage import Place
from robustgan.stages import stages

EVENTS = ("os.mkdir", "open", "os.rename", "os.link", "os.remove", "os.rmdir")
GIVE_UP = 60.0  # seconds after which whoever waits in vain goes on: the test has failed then, and must end
STAGE = re.compile(r"/runs/(?:\.leases/|\.failed/)?(\w+)[/-]([0-9a-f]{20})")


class Fault:
    """Counts points, and lets something happen at one of them."""

    def __init__(self, log: str, fault: dict) -> None:
        self.log = Path(log).open("a", encoding="utf-8")  # noqa: SIM115
        self.fault = fault
        self.passed = 0
        self.busy = False
        self.wrong: float = fault.get("clock", 0.0)  # seconds

    def hook(self, event: str, args: tuple) -> None:
        """Hear of what Python is about to do; other threads (the beats of a lease) come when they come."""
        if self.busy or event not in EVENTS or threading.current_thread() is not threading.main_thread():
            return
        if isinstance(args[0], str | os.PathLike) and (event != "open" or self.writes(args)):
            self.point(event, os.fspath(args[0]))

    @staticmethod
    def writes(args: tuple) -> bool:
        return len(args) > 2 and isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR))

    def point(self, event: str, path: str) -> None:
        found = STAGE.search(str(path))
        kind = found.group(1) if found else "publish" if "/reports/" in str(path) else ""
        if not kind:
            return
        self.busy = True
        self.log.write(f"{kind} {found.group(2) if found else '-'} {event} {Path(path).name}\n")
        self.log.flush()
        self.passed += kind == self.fault.get("kind")
        due = self.passed == self.fault.get("number") and kind == self.fault["kind"]
        if due or kind in self.fault.get("later", ()):
            self.happen(event, path)
        self.busy = False

    def happen(self, event: str, path: str) -> None:
        if self.fault.get("torn") and event == "os.rename" and Path(path).is_file():
            os.truncate(path, Path(path).stat().st_size // 2)
        if "jump" in self.fault:
            self.wrong += self.fault["jump"]
            await_file(self.fault["until"])
            return
        if "errno" in self.fault:
            self.busy = False
            raise OSError(self.fault["errno"], os.strerror(self.fault["errno"]), str(path))
        Path(f"{self.log.name}.at").write_text(str(time.monotonic()), "utf-8")
        os.kill(os.getpid(), self.fault.get("signal", signal.SIGKILL))


def await_file(path: str) -> None:
    """Wait until somebody has made a file."""
    start = time.monotonic()
    while not Path(path).exists() and time.monotonic() - start < GIVE_UP:
        time.sleep(0.02)


def disguise(fault: dict) -> None:
    """Set what the process believes of leases and of the machine that it is on."""
    lease.SILENCE, lease.BEAT = fault.get("silence", lease.SILENCE), fault.get("beat", lease.BEAT)
    if "machine" in fault:
        lease.machine = lambda: fault["machine"]
    looks, gone = [0], lease.Observer.gone

    def counted(self: lease.Observer, found: dict) -> bool:
        looks[0] += 1
        if looks[0] == fault.get("looks"):
            Path(fault["tell"]).touch()
        return gone(self, found)

    lease.Observer.gone = counted


def begin(request: dict, fault: dict) -> int:
    """Number of a fork that runs the command."""
    child = os.fork()
    if child:
        return child
    output = os.open(f"{request['log']}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    watched, tell, clock = Fault(request["log"], fault), lease.Lease.tell, time.time

    def told(self: lease.Lease, *news: object) -> None:
        watched.point("tick", str(self.path))
        tell(self, *news)

    lease.Lease.tell = told
    disguise(fault)
    time.time = lambda: clock() + watched.wrong
    if "after" in fault:
        await_file(fault["after"])
    sys.addaudithook(watched.hook)
    sys.argv = ["robustgan", *request["words"], *fault.get("more", ())]
    try:
        cli.main()
    except SystemExit as left:
        os._exit(int(left.code or 0))
    os._exit(0)


def run(request: dict) -> list[int]:
    """Exit codes of forks that run at once."""
    children = [begin(request, fault) for fault in request["faults"]]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def warm(config: str) -> None:
    """Import and read, in this process, what every fork would import and read again."""
    import matplotlib.figure
    import seaborn
    import timm
    import torch
    import torchmetrics.image.kid
    import torchvision

    from robustgan import evaluation, evidence, gallery, inspection, probing, repeatable, survival, training, transfer
    from robustgan.report import render

    imported = (matplotlib, seaborn, timm, torchmetrics, torchvision, evaluation, evidence, gallery, inspection)
    assert all((*imported, probing, repeatable, survival, training, transfer, render))
    torch.set_num_threads(1)
    assert [stage.key for stage in stages(experiment(read_yaml(Path(config))), Place(Path(), Path()))]


if __name__ == "__main__":
    warm(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
