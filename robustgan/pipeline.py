"""START HERE: what `robustgan run` does, in the order in which it happens.

Each step below is one function. `stages` says which steps a config needs and what each depends on; `run` goes through
them and skips what is already there; `plan` only looks. Nothing heavy is imported until a step needs it, so a plan needs
no torch.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from robustgan.config import module_of
from robustgan.experiment import Experiment, Victim
from robustgan.interfaces import Attack
from robustgan.journal import Journal, Tick, silent
from robustgan.store import cached, code_digest, digest

Watch = Callable[["Stage", str], Tick]  # told that a stage is "cached" or "runs"; returns where its progress goes


@dataclass(frozen=True)
class Place:
    """Where a run reads and writes; never part of a key."""

    out: Path  # holds runs/ and reports/
    data: Path  # data sets are found under this folder

    @property
    def runs(self) -> Path:
        """Stage folders."""
        return self.out / "runs"


@dataclass(frozen=True)
class Stage:
    """One step of a run, with everything that its result depends on."""

    step: Callable[[Work], None]
    name: str
    settings: dict[str, Any]
    needs: dict[str, Stage] = field(default_factory=dict)
    modules: tuple[str, ...] = ()  # plug-ins that the settings name

    @property
    def kind(self) -> str:
        """Folder of this step under runs/."""
        return self.step.__name__

    @cached_property
    def key(self) -> str:
        """Digest of settings, inputs and code."""
        inputs = {name: stage.key for name, stage in self.needs.items()}
        return digest([self.kind, self.settings, inputs, code_digest(self.step, *self.modules)])

    def folder(self, place: Place) -> Path:
        """Where the result is, once it is there."""
        return place.runs / self.kind / self.key


@dataclass(frozen=True)
class Work:
    """What a step gets: its stage, the folder to fill, the run it belongs to, and a place to tell of progress."""

    stage: Stage
    folder: Path
    place: Place
    plan: Experiment
    tick: Tick

    def input(self, name: str) -> Path:
        """Folder of an input."""
        return self.stage.needs[name].folder(self.place)

    @property
    def journal(self) -> Journal:
        """Where a training writes its numbers and its checkpoint."""
        return Journal(self.folder, self.tick)
