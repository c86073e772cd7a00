"""The loop of a run: whatever has all it needs is begun; what fails takes with it only what depends on it.

The order in which stages finish leaves no trace: what was done and what failed is told in the order of the plan.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import NamedTuple

from robustgan import lease, store
from robustgan.errors import InputError, MachineError, RunError
from robustgan.execute import Job, Manner
from robustgan.journal import Tick
from robustgan.parts import Joined
from robustgan.stage import Place, Stage

BASE = (
    "manifest",
    "pixels",
    "split",
    "classifier",
    "inspected",
)  # where these fail, nothing that follows would mean anything
LOOK = 1.0  # seconds between two looks at how far the workers are

Watch = Callable[[Stage, bool], Tick]  # told of each stage and whether it is there already; gives its progress a place


class Outcome(NamedTuple):
    """What became of the stages, in the order of the plan."""

    done: list[Stage]
    failed: list[tuple[Stage, str]]  # and why


class Loop:
    """One pass over the stages of a run."""

    def __init__(self, todo: Sequence[Stage], place: Place, manner: Manner, watch: Watch) -> None:
        self.todo, self.place, self.manner, self.watch = todo, place, manner, watch
        self.waiting = list(todo)
        self.mine = {stage.key for stage in todo}  # what else a stage needs is there before (`joinable`)
        self.running: dict[Future[object], tuple[Stage, Tick | None]] = {}
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}
        self.end = time.monotonic() + manner.max_hours * 3600

    def run(self, job_of: Callable[[Stage], Job]) -> Outcome:
        """Go on until nothing is left that could still be done.

        Raises:
            RunError: a stage failed, and the first failure is to end the run.
            InputError: a stage failed without which no other would mean anything.
        """
        while True:
            self.begin(job_of)
            if not self.running:
                return self.outcome()
            timeout = LOOK if self.manner.backend.apart else None
            finished, _ = wait(self.running, timeout, FIRST_COMPLETED)
            for future in finished:
                stage, _ = self.running.pop(future)
                self.settle(stage, future.exception())
            self.show()

    def begin(self, job_of: Callable[[Stage], Job]) -> None:
        """Begin what can be begun, first in the plan first; what is there already is not done again."""
        backend = self.manner.backend
        capacity = backend.capacity() if self.waiting else 0  # of a cluster, a question to its scheduler
        for stage in list(self.waiting):
            if len(self.running) >= capacity:
                return
            if not all(need.key in self.done or need.key not in self.mine for need in stage.takes.values()):
                continue
            if self.place.has(stage):
                self.place.keep(stage)
                self.waiting.remove(stage)
                self.watch(stage, True)
                self.done.add(stage.key)
            elif time.monotonic() < self.end or isinstance(stage, Joined):  # its work is done: nothing new begins
                self.waiting.remove(stage)
                tick = self.watch(stage, False) if backend.apart else None
                self.running[backend.submit(stage, job_of(stage))] = stage, tick

    def settle(self, stage: Stage, error: BaseException | None) -> None:
        """Take note of how a stage ended."""
        if error is None and stage.key not in listed(self.place.folder(stage).parent) and not self.place.has(stage):
            error = RunError("a worker made it, but its folder is not here: workers must share the folder --out.")
        if error is None:
            self.done.add(stage.key)
            return
        mendable = isinstance(error, InputError) and stage.kind not in BASE and not isinstance(error, MachineError)
        if not mendable and not isinstance(error, RunError):
            raise error
        if self.manner.fail_fast:
            raise RunError(f"{stage.name}: {error} Stopped there (--fail-fast); the same command goes on.") from error
        self.failed[stage.key] = str(error)  # a setting that only the data show to be wrong takes no other cell with it

    def show(self) -> None:
        """Pass on how far the workers are."""
        for stage, tick in self.running.values():
            progress = progress_of(self.place, stage) if tick else None
            if tick and progress:
                tick(*progress)

    def outcome(self) -> Outcome:
        """What was done and what was not; a stage that waited in vain says for what."""
        failed = dict(self.failed)
        for stage in self.todo:
            lost = [need for need in stage.takes.values() if need.key in failed]
            if lost and isinstance(stage, Joined):
                failed[stage.key] = failed[lost[0].key]  # in the words in which it would fail as a whole
            elif lost:
                failed[stage.key] = f"not run: it needs `{lost[0].name}`, which failed"
        late = f"not run: {self.manner.max_hours:g} hours were over (--max-hours)"
        left = [(stage, failed.get(stage.key, late)) for stage in self.todo if stage.key not in self.done]
        return Outcome([stage for stage in self.todo if stage.key in self.done], left)


def listed(folder: Path) -> set[str]:
    """Names in a folder: a network file system may keep saying that one is not there until its folder is listed."""
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def progress_of(place: Place, stage: Stage) -> tuple[int, int, str] | None:
    """How far a stage is that another process makes, as its lease says; None where there is none yet."""
    found = lease.read(store.leased(place.out / "runs", stage.kind, stage.key))
    return (found["done"], found["total"], found["what"]) if found else None


def shard_of(todo: Sequence[Stage], i: int, n: int) -> list[Stage]:
    """Every n-th cell from the i-th on, and all that these need; a cell is a stage that no other needs.

    Of a cell in parts, the parts are what is shared out: `joinable` says when it can be joined.
    """
    needed = {need.key for stage in todo for need in stage.needs.values()}
    cells = [stage for stage in todo if stage.key not in needed and not isinstance(stage, Joined)]
    kept: dict[str, Stage] = {}
    queue = cells[i - 1 :: n]
    while queue:
        stage = queue.pop()
        if stage.key not in kept:
            kept[stage.key] = stage
            queue += stage.needs.values()
    return [stage for stage in todo if stage.key in kept]


def joinable(todo: Sequence[Stage], mine: Sequence[Stage], place: Place) -> list[Stage]:
    """Cells that a shard had parts of and that can be joined, as the parts of all shards are there."""
    keys = {stage.key for stage in mine}
    cells = [stage for stage in todo if isinstance(stage, Joined) and any(part.key in keys for part in stage.parts)]
    return [cell for cell in cells if not place.has(cell) and all(map(place.has, cell.parts))]
