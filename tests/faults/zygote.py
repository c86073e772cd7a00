"""A process that has imported everything, and forks a robustgan that dies where it is told: `python zygote.py CONFIG`.

It reads a JSON object a line and answers one a line. `{"words": [...], "log": FILE, "kill": [KIND, N], "later":
It reads a JSON object a line and answers one a line. `{"words": [...], "log": FILE, "kill": [KIND, N], "later":
the n-th point of stages of that kind, or at any point of a later kind. The answer is `{"code": exit code, or minus the
signal}`.

A point is a folder made, a file opened, linked, renamed or removed, just before it happens, or a tick of the progress:
the same moments on every machine, without clocks. With `torn`, a file that is about to get its name is cut in half
first: what a kill in the middle of writing it leaves. (Libraries write their files without Python knowing.)
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from pathlib import Path

from robustgan import cli, lease
from robustgan.config import read_yaml
from robustgan.experiment import experiment
from robustgan.stages import Place, stages

EVENTS = ("os.mkdir", "open", "os.rename", "os.link", "os.remove", "os.rmdir")
STAGE = re.compile(r"/runs/(?:\.leases/|\.failed/)?(\w+)[/-]([0-9a-f]{20})")


class Killer:
    """Counts points, and kills this process at one of them."""

    def __init__(self, log: str, kill: list, later: list[str], torn: bool) -> None:
        self.log = Path(log).open("a", encoding="utf-8")  # noqa: SIM115
        (self.kind, self.number), self.later, self.torn = kill, later, torn
        self.passed = 0
        self.busy = False

    def hook(self, event: str, args: tuple) -> None:
        if self.busy or event not in EVENTS or threading.current_thread() is not threading.main_thread():
            return
        if isinstance(args[0], str | os.PathLike):
            self.point(event, os.fspath(args[0]), args)

    def point(self, event: str, path: str | bytes, args: tuple = ()) -> None:
        path = os.fsdecode(path)
        found = STAGE.search(path)
        kind = found.group(1) if found else "publish" if "/reports/" in path else ""
        if not kind or (event == "open" and not self.writes(args)):
            return
        self.busy = True
        self.log.write(f"{kind} {found.group(2) if found else '-'} {event} {Path(path).name}\n")
        self.log.flush()
        self.passed += kind == self.kind
        if (self.passed == self.number and kind == self.kind) or kind in self.later:
            if self.torn and event == "os.rename" and Path(path).is_file():
                os.truncate(path, Path(path).stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        self.busy = False

    @staticmethod
    def writes(args: tuple) -> bool:
        return len(args) > 2 and isinstance(args[2], int) and bool(args[2] & (os.O_WRONLY | os.O_RDWR))


def run(request: dict) -> int:
    """Exit code of a fork that runs one command."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output = os.open(f"{request['log']}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    killer = Killer(request["log"], request["kill"], request["later"], request["torn"])
    tell = lease.Lease.tell

    def told(self: lease.Lease, *news: object) -> None:
        killer.point("tick", str(self.path))
        tell(self, *news)

    lease.Lease.tell = told
    sys.addaudithook(killer.hook)
    sys.argv = ["robustgan", *request["words"]]
    try:
        cli.main()
    except SystemExit as left:
        os._exit(int(left.code or 0))
    os._exit(0)


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
        print(json.dumps({"code": run(json.loads(line))}), flush=True)
