"""What a training leaves behind while it runs: `stats.jsonl`, a checkpoint to resume from, progress to watch.

Both files are written so that a kill at any moment loses at most the work since the last checkpoint, and the run that
resumes writes the same bytes as one that was never disturbed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robustgan.errors import InputError, RunError
from robustgan.stopping import Stop
from robustgan.team import ALONE, Team

Tick = Callable[[int, int, str], None]  # (done, total, what people read next to the bar)


def silent(done: int, total: int, text: str) -> None:
    """Show no progress."""


class Journal:
    """The notes of one training, in its stage folder."""

    def __init__(self, folder: Path, tick: Tick = silent, stop: Stop | None = None, team: Team = ALONE) -> None:
        self.folder = folder
        self.stop = stop or Stop()
        self.tick = tick
        self.team = team  # the processes that share the training; only its leader's notes are kept
        self.stats = folder / "stats.jsonl"
        self.identity = ""  # sha256 of what the checkpoint belongs to
        self.checkpoint = folder / "checkpoint.pt"
        self.answers = folder / "answers.bin"  # what a black-box attack was told (attacks/_ledger.py)
        self.tally = folder / "answers.count"  # how many images the harness saw it ask about (counting.py)

    def identify(self, identity: str) -> None:
        """Say what the training learns from and how: its checkpoint is no other's."""
        self.identity = identity

    def record(self, **values: float | str) -> None:
        """Append one line of numbers to `stats.jsonl`.

        Raises:
            RunError: a number is NaN or infinite; the message holds the whole line.
        """
        broken = [name for name, value in values.items() if isinstance(value, float) and not math.isfinite(value)]
        if broken:
            raise RunError(
                f"{', '.join(broken)} is not finite: {values}. Lower the learning rate, or look at the data."
            )
        with self.stats.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def step(self, done: int, total: int, text: str, state: Callable[[], dict[str, Any]]) -> None:
        """Tell of a step of a training, and leave after it with a checkpoint of `state`, if that was asked for."""
        if self.stop.asked:
            self.save(**state())
        self.tick(done, total, text)

    def save(self, **state: Any) -> None:
        """Keep everything needed to go on (tensors, numbers, state dicts), atomically; leave, if that was asked for."""
        import torch

        size = self.stats.stat().st_size if self.stats.exists() else 0
        partial = self.checkpoint.with_suffix(".tmp")
        torch.save({**state, "journal_bytes": size, "journal_identity": self.identity}, partial)
        partial.replace(self.checkpoint)
        self.stop.leave()

    def load(self) -> dict[str, Any] | None:
        """Return the last checkpoint and cut `stats.jsonl` back to it; None where there is none.

        Raises:
            InputError: it is the checkpoint of another training.
        """
        import torch

        if not self.checkpoint.exists():
            self.stats.unlink(missing_ok=True)
            self.answers.unlink(missing_ok=True)
            return None
        state: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        size, identity = state.pop("journal_bytes"), state.pop("journal_identity", "")
        if identity != self.identity:
            theirs, mine = (name[:12] or "unnamed" for name in (identity, self.identity))
            raise InputError(
                f"{self.checkpoint}: found the checkpoint of a training on other images, with other settings or "
                f"against another classifier ({theirs}, this one is {mine}). "
                "Give this training a folder of its own, or delete the file to begin anew."
            )
        if self.stats.exists():
            with self.stats.open("r+b") as file:
                file.truncate(size)
        return state

    def close(self) -> None:
        """Remove what only a training under way needs: this one is over and its result is written."""
        self.checkpoint.unlink(missing_ok=True)
        for path in self.folder.glob("answers.*"):
            path.unlink()
