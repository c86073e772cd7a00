"""What a step of a run gets: its settings, the folders of the steps it needs, and a folder to fill."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robustgan.journal import Journal, Tick
from robustgan.stopping import Stop
from robustgan.team import ALONE, Team


@dataclass(frozen=True)
class Work:
    """What a step gets."""

    settings: dict[str, Any]
    inputs: dict[str, Path]  # folders of finished steps
    folder: Path  # to be filled
    data: Path  # data sets are found under this folder
    tick: Tick
    stop: Stop = field(default_factory=Stop)  # asks a training to leave
    team: Team = ALONE  # the processes that share a training

    @property
    def journal(self) -> Journal:
        """Where a training writes its numbers and its checkpoint."""
        return Journal(self.folder, self.tick, self.stop, self.team)
