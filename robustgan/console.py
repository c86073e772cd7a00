"""What a run shows while it works: bars with the time left on a terminal, plain lines or JSON lines elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from robustgan.execute.loop import Watch
from robustgan.journal import Tick, silent
from robustgan.stage import Place, Stage

EVERY = 10.0  # seconds between two plain lines of one stage


class Bars:
    """A bar a stage at work, with the time left; finished stages stay as one line."""

    def __init__(self, console: Console, total: int, place: Place) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
        self.progress = Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=console)
        self.total, self.number, self.place = total, 0, place
        self.tasks: dict[TaskID, Stage] = {}

    def __enter__(self) -> Bars:
        """Start drawing."""
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        self._finish(list(self.tasks))
        self.progress.stop()

    def watch(self, stage: Stage, cached: bool) -> Tick:
        """Begin a stage; others may be at work beside it."""
        self._finish([task for task, other in self.tasks.items() if self.place.folder(other).exists()])
        self.number += 1
        title = f"[{self.number}/{self.total}] {stage.name}"
        if cached:
            self.progress.console.print(f"{title}: [green]kept[/green]", highlight=False)
            return silent
        task = self.progress.add_task(title, total=None, note="")
        self.tasks[task] = stage
        return lambda done, total, text: self.progress.update(task, completed=done, total=total, note=text)

    def _finish(self, over: list[TaskID]) -> None:
        """Turn bars into lines."""
        for key in over:
            task = self.progress.tasks[self.progress.task_ids.index(key)]
            self.progress.console.print(
                f"{task.description}: {task.finished_time or task.elapsed or 0:.0f} s", highlight=False
            )
            self.progress.remove_task(key)
            del self.tasks[key]


class Lines:
    """One line a stage, and one now and then while it works, with the time left; `--json` makes each a JSON object."""

    def __init__(self, console: Console, total: int, as_json: bool) -> None:
        self.console, self.total, self.as_json, self.number = console, total, as_json, 0

    def __enter__(self) -> Lines:
        """Nothing to start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to stop."""

    def watch(self, stage: Stage, cached: bool) -> Tick:
        """Begin a stage; others may be at work beside it."""
        self.number += 1
        number = self.number
        self._say(stage, number, event="kept" if cached else "begins")
        start = last = time.monotonic()

        def tick(done: int, total: int, text: str) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= EVERY and done:
                last = now
                left = round((now - start) / done * (total - done))
                self._say(stage, number, event="works", done=done, total=total, seconds_left=left, note=text)

        return tick

    def _say(self, stage: Stage, number: int, **event: object) -> None:
        if self.as_json:
            place = {"stage": stage.kind, "name": stage.name, "number": number, "of": self.total}
            self.console.print(json.dumps({**place, **event}), markup=False, highlight=False, soft_wrap=True)
            return
        words = f"[{number}/{self.total}] {stage.name}: {event['event']}"
        if "done" in event:
            words += f" {event['done']}/{event['total']}, about {event['seconds_left']} s left, {event['note']}"
        self.console.print(words, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def view(console: Console, total: int, place: Place, as_json: bool) -> Iterator[Watch]:
    """Show a run: bars on a terminal, else lines."""
    with Bars(console, total, place) if console.is_terminal and not as_json else Lines(console, total, as_json) as one:
        yield one.watch


@contextmanager
def bar(console: Console, title: str) -> Iterator[Tick]:
    """One bar for one long job."""
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total, text: progress.update(
            task, completed=done, total=total, description=f"{title} {text}"
        )
