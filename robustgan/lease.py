"""Who builds a stage: one small file that only one process can make, renewed while that process lives.

A lease of a process that is gone is taken over: at once where it can be looked for (this machine), and after a minute
without a beat where it cannot (another one). That minute is what the observer saw pass, on its own clock, which nobody
sets: the clocks of two machines are never compared, and a clock that jumps changes nothing.

The file is made whole under another name and linked to its own, which a network file system does for one process only.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

BEAT = 4.0  # seconds between two beats
SILENCE = 60.0  # seconds without a beat after which a process on another machine counts as gone
POLL = 0.2  # seconds between two looks at somebody else's lease
GLANCE = 2.0  # seconds of silence that one look can prove: a stalled observer saw nothing while it stood still

Tell = Callable[[int, int, str], None]  # (done, total, what people read beside it)


class Lease:
    """A lease that this process holds."""

    def __init__(self, path: Path) -> None:
        self.path, self.token = path, uuid.uuid4().hex[:12]
        self.progress = {"done": 0, "total": 0, "what": ""}
        self.started = time.time()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._beat, name=f"lease {path.stem}", daemon=True)

    def tell(self, done: int, total: int, what: str) -> None:
        """Note progress; the next beat shows it to others."""
        self.progress = {"done": done, "total": total, "what": what}

    def mine(self) -> bool:
        """Whether it still is this process's: one that hung for a minute may find that another one goes on."""
        return (read(self.path) or {}).get("token") == self.token

    def release(self) -> None:
        """Let others have it."""
        self.over.set()
        self.thread.join()
        if self.mine():
            self.path.unlink(missing_ok=True)

    def write(self) -> Path:
        """Write what the lease says beside it; whoever calls moves that to its place."""
        beside = self.path.with_name(f"{self.path.stem}.{self.token}.tmp")
        content = {**identity(), "token": self.token, "started": self.started, "beat": time.time(), **self.progress}
        beside.write_text(json.dumps(content) + "\n", "utf-8")
        return beside

    def _beat(self) -> None:
        while not self.over.wait(BEAT):
            with suppress(OSError):  # a full disk or a network that hangs: the next beat may get through
                if not self.mine():
                    return
                self.write().replace(self.path)


@contextmanager
def held(path: Path, needless: Callable[[], bool]) -> Iterator[Lease | None]:
    """Hold a lease as soon as nobody else does; None where `needless` comes true before."""
    lease, observer = None, Observer()
    while lease is None and not needless():
        lease = claim(path)
        if lease is None:
            found = read(path)
            if found is not None and observer.gone(found):
                remove(path, found)
            else:
                time.sleep(POLL)
    try:
        yield lease
    finally:
        if lease:
            lease.release()


def claim(path: Path) -> Lease | None:
    """Try to become the holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lease = Lease(path)
    beside = lease.write()
    with suppress(FileExistsError, FileNotFoundError):
        try:
            os.link(beside, path)
        except OSError as error:
            if isinstance(error, FileExistsError | FileNotFoundError):
                raise
            with path.open("x", encoding="utf-8") as file:  # a file system without links
                file.write(beside.read_text("utf-8"))
    beside.unlink(missing_ok=True)
    if not lease.mine():
        return None
    for left in path.parent.glob(f"{path.stem}.*.tmp"):  # of processes that were killed here
        left.unlink(missing_ok=True)
    lease.thread.start()
    return lease


def remove(path: Path, stale: dict[str, Any]) -> None:
    """Remove a lease whose holder is gone; put it back if it is another one's by now."""
    aside = path.with_name(f"{path.stem}.{uuid.uuid4().hex[:12]}.tmp")
    with suppress(FileNotFoundError):
        path.rename(aside)
        if (read(aside) or {}).get("token") != stale.get("token"):
            with suppress(FileExistsError):
                os.link(aside, path)
        aside.unlink()


def read(path: Path) -> dict[str, Any] | None:
    """What a lease says; None where there is none, nothing but an empty dict where it cannot be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# --------------------------------------------------------------------------------------------- is it still there?


class Observer:
    """Watches somebody else's lease."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.seen: tuple[Any, Any] | None = None
        self.looked = self.silence = 0.0

    def gone(self, found: dict[str, Any]) -> bool:
        """Whether the holder is gone, as far as this machine can know."""
        known = alive(found)
        if known is not None:
            return not known
        beat, now = (found.get("token"), found.get("beat")), self.clock()
        self.silence = self.silence + min(now - self.looked, GLANCE) if beat == self.seen else 0.0
        self.seen, self.looked = beat, now
        return self.silence >= SILENCE


def alive(found: dict[str, Any]) -> bool | None:
    """Whether a lease's process lives; None where this machine cannot know."""
    if found.get("machine") != machine():
        return None
    try:
        os.kill(found["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, but there
    born = birth(found["pid"])
    if not born:
        return None
    return bool(born == found["born"])


def identity() -> dict[str, Any]:
    """This process, so that no other can be taken for it."""
    return {"host": socket.gethostname(), "machine": machine(), "pid": os.getpid(), "born": birth(os.getpid())}


def machine() -> str:
    """Where process numbers mean the same: one boot of one machine, and one container on it."""
    parts = [socket.gethostname()]
    with suppress(OSError):  # not Linux
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def birth(pid: int) -> str:
    """When a process began, in ticks since the machine did: a number that is used again has another; "" if unknown.

    A process that ended and that its parent has not asked about yet counts as ended.

    Source: proc_pid_stat(5), fields 3 (state) and 22 (starttime).
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except FileNotFoundError:
        return "" if not Path("/proc/self").exists() else "ended"
    except OSError:
        return ""
    return "ended" if fields[0] in "ZX" else fields[19]
