"""One cell for several workers: its test images are cut into parts, which are stages, and the cell joins them.

How many parts there are is said on the command line and changes nothing of the cell: not its key, and no byte of its
files. A part is named by its cell's key, so that everybody who looks into the run's folder sees what belongs together.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from robustgan import steps, store
from robustgan.experiment import Experiment
from robustgan.stage import Place, Stage
from robustgan.stages import stages
from robustgan.work import Work

Step = Callable[[Work], None]
STEPS: dict[Step, Step] = {steps.attacked: steps.attacked_part, steps.transferred: steps.transferred_part}
NAME = re.compile(r"(\w+)-([0-9a-f]{20})-(\d+)of(\d+)-([0-9a-f]{8})")  # kind, cell, part, parts, code


@dataclass(frozen=True, kw_only=True)
class Part(Stage):
    """What a cell finds for one slice of its test images."""

    of: Stage
    number: int  # from 1
    parts: int

    @cached_property
    def key(self) -> str:
        """The cell's key, which part it is, and a digest of the code that cuts."""
        return f"{self.of.key}-{self.number}of{self.parts}-{_code(self.step)}"

    @property
    def whole(self) -> Stage:
        """The cell."""
        return self.of

    def afresh(self) -> Stage:
        """A copy whose key, and whose cell's, is made anew."""
        return replace(self, of=self.of.afresh())


@dataclass(frozen=True, kw_only=True)
class Joined(Stage):
    """A cell that is put together from parts; everything else of it is as without them."""

    parts: tuple[Part, ...]

    @property
    def takes(self) -> dict[str, Stage]:
        """The parts, in order."""
        return {f"part{part.number}": part for part in self.parts}

    def do(self, work: Work) -> None:
        """Join them."""
        from robustgan.slices import join

        join(work)


@functools.cache
def _code(step: Step) -> str:
    """Digest of the code that cuts; what the attack depends on is in the cell's key."""
    return store.code_digest(step)[:8]


def scheduled(plan: Experiment, place: Place, parts: int) -> list[Stage]:
    """Every stage but the report, with cells in parts where they are still to do."""
    return list(cut(stages(plan, place), parts, place.has))


def cut(found: Sequence[Stage], parts: int, there: Callable[[Stage], bool] = lambda stage: False) -> Iterator[Stage]:
    """The stages, with each attack cell that is not there in so many parts; those stand before it."""
    for stage in found:
        if parts == 1 or stage.step not in STEPS or there(stage):
            yield stage
            continue
        own = tuple(_part(stage, number, parts) for number in range(1, parts + 1))
        yield from own
        yield Joined(stage.step, stage.name, stage.settings, stage.needs, stage.modules, parts=own)


def _part(cell: Stage, number: int, parts: int) -> Part:
    name = f"{cell.name}, part {number} of {parts}"
    settings = {**cell.settings, "part": [number, parts]}
    return Part(STEPS[cell.step], name, settings, cell.needs, cell.modules, of=cell, number=number, parts=parts)


def summed(parts: Sequence[dict[str, Any]], joining: dict[str, Any]) -> dict[str, Any]:
    """What `run.json` of a joined cell says of machine and cost.

    Args:
        parts: what those of the parts say.
        joining: what the joining alone would say.
    """
    cost = {
        "seconds": round(joining["seconds"] + sum(part["seconds"] for part in parts), 3),
        "peak_mib": max(joining["peak_mib"], *(part["peak_mib"] for part in parts)),
    }
    machine = {name: parts[0][name] for name in ("versions", "system")}
    return {**machine, "device": ", ".join(sorted({part["device"] for part in parts})), **cost, "parts": len(parts)}


# ----------------------------------------------------------------------------------- what a run's folder says of them


def begun(found: Sequence[Stage], place: Place) -> Iterator[Stage]:
    """The stages, with cells in parts where some of these are done or being made and the cell itself is not.

    Where a cell was cut in several ways, those parts are shown that are at work.
    """
    runs, ways = place.out / "runs", dict[str, Counter[int]]()
    for weight, folder in ((1, runs), (10**6, runs / ".leases")):
        for _, cell, _, parts in _named(folder):
            ways.setdefault(cell, Counter())[parts] += weight
    for stage in found:
        if stage.key in ways and not store.leased(runs, stage.kind, stage.key).exists():
            yield from cut([stage], ways[stage.key].most_common(1)[0][0], place.has)
        else:
            yield stage


def failure(place: Place, stage: Stage) -> dict[str, Any] | None:
    """Why a stage would fail again, where it would: it did, or its cell, or parts of its cell in another number.

    A part does not ask after those beside it: they may be of use when the failed one is tried again.
    """
    runs = place.out / "runs"
    cell = stage.whole or stage
    known = store.failure(runs, stage.kind, stage.key) or store.failure(runs, cell.kind, cell.key)
    if known or isinstance(stage, Joined) or cell.step not in STEPS:
        return known
    own = stage.parts if isinstance(stage, Part) else 0
    found = (store.failure(runs, part.kind, part.key) for part in _failed(runs, cell) if part.parts != own)
    return next(found, None)


def forget(place: Place, cell: Stage) -> None:
    """Let a stage that failed, or of which parts failed, be tried again."""
    runs = place.out / "runs"
    for stage in (cell, *(_failed(runs, cell) if cell.step in STEPS else ())):
        store.forget_failure(runs, stage.kind, stage.key)


def _failed(runs: Path, cell: Stage) -> list[Part]:
    """The parts of a cell that failed, in however many it was cut."""
    mine = (STEPS[cell.step].__name__, cell.key)
    numbers = [(parts, part) for *whose, part, parts in _named(runs / ".failed") if tuple(whose) == mine]
    return [_part(cell, part, parts) for parts, part in sorted(numbers)]


def _named(folder: Path) -> Iterator[tuple[str, str, int, int]]:
    """Kind, cell, number and parts of each part that something in a folder is named after."""
    codes = {step.__name__: step for step in STEPS.values()}
    hidden = folder.name.startswith(".")  # of leases and failures; they are files with both in their name
    for path in folder.glob("*_part-*.json" if hidden else "*_part/*"):
        found = NAME.fullmatch(path.stem if hidden else f"{path.parent.name}-{path.name}")
        if found and found[1] in codes and found[5] == _code(codes[found[1]]):
            yield found[1], found[2], int(found[3]), int(found[4])
