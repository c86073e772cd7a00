"""One step of a run with all that its result depends on, and where its folder lies.

Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from robustgan.interfaces import Dataset
from robustgan.remote.depot import LIGHT, Depot
from robustgan.store import code_digest, digest
from robustgan.work import Work


@dataclass(frozen=True)
class Stage:
    """One step of a run, with everything that its result depends on."""

    step: Callable[[Work], None]
    name: str  # what people read
    settings: dict[str, Any]
    needs: dict[str, Stage] = field(default_factory=dict)
    modules: tuple[str, ...] = ()  # plug-ins that the settings name

    @property
    def kind(self) -> str:
        """The step's name, and its folder under runs/."""
        return self.step.__name__

    @cached_property
    def key(self) -> str:
        """Digest of settings, inputs and code."""
        inputs = {name: stage.key for name, stage in self.needs.items()}
        return digest([self.kind, self.settings, inputs, code_digest(self.step, *self.modules)])

    @property
    def takes(self) -> dict[str, Stage]:
        """The stages whose folders it is made from; other than `needs` where it is joined from parts (parts.py)."""
        return self.needs

    @property
    def whole(self) -> Stage | None:
        """The stage that this one is a part of; once that is there, nobody asks for its parts."""
        return None

    def do(self, work: Work) -> None:
        """Fill its folder."""
        self.step(work)

    def afresh(self) -> Stage:
        """A copy whose key is made anew, from the code on this machine."""
        return replace(self)


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes; never part of a key."""

    out: Path  # gets runs/ and reports/
    data: Path  # data sets are found under this folder
    threads: int = 1  # of torch on the CPU, in every process alike: the last bits of a sum depend on how it is split
    depot: Depot | None = None  # where finished stages are kept beyond this disk; `out` is a scratch folder then
    profile: bool = False  # note what torch does in each stage (profiling.py)
    digests: dict[str, str] | None = field(
        default=None, compare=False, repr=False
    )  # of data sets, kept for one command

    def fingerprint(self, dataset: Dataset) -> str:
        """Digest of the bytes of a data set: they are read at each call, or, where `digests` keeps it, at the first."""
        name = digest(dataset.settings())
        if self.digests is not None and name in self.digests:
            return self.digests[name]
        found = dataset.fingerprint(dataset.locate(self.data, Path()))
        if self.digests is not None:
            self.digests[name] = found
        return found

    def folder(self, stage: Stage) -> Path:
        """Where a stage's result is, once it is there."""
        return self.out / "runs" / stage.kind / stage.key

    def has(self, stage: Stage) -> bool:
        """Whether a stage is done: on this disk, or in the depot, from where it comes when a stage needs it.

        A part of a cell is done with when the cell is there.
        """
        if stage.whole is not None and self.has(stage.whole):
            return True
        return self.folder(stage).exists() or (self.depot is not None and self.depot.has(stage.kind, stage.key))

    def bring(self, stage: Stage, light: bool = False) -> Path | None:
        """The folder of a finished stage on this disk; None where the depot has no sound copy of it.

        `light` leaves in the depot what a report does not read.
        """
        if self.depot is None or self.folder(stage).exists():
            return self.folder(stage)
        return self.depot.bring(self.out, stage.kind, stage.key, light)

    def near(self, stage: Stage) -> Path:
        """The folder of a finished stage that was brought: where a light copy lies if there is no other."""
        whole = self.folder(stage)
        return whole if self.depot is None or whole.exists() else self.out / LIGHT / stage.kind / stage.key

    def keep(self, stage: Stage) -> Path:
        """Send a stage that is done here to the depot, where there is one."""
        if self.depot is not None and self.folder(stage).exists():
            self.depot.push(stage.kind, stage.key, self.folder(stage))
        return self.folder(stage)
