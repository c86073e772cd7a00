"""`robustgan run --tensorboard DIR`: what every training writes, as event files, while the run goes on.

The mirror only reads. What it has written is always what `stats.jsonl` says: where a training went back (to its last
checkpoint, after a kill or a loss that was not finite), its event files are written anew, so no step is there twice.
"""

from __future__ import annotations

import importlib.util
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from robustgan.errors import InputError
from robustgan.execute.loop import Watch
from robustgan.journal import Tick
from robustgan.stage import Place, Stage
from robustgan.store import partials

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EVERY = 5.0  # seconds between two looks at what a training wrote
PICTURES = ("sheet", "progress")  # that a generator's training may leave


class Mirror:
    """The event files of one training, in a folder of their own under `root`."""

    def __init__(self, root: Path, place: Place, stage: Stage) -> None:
        self.final = place.folder(stage)
        self.folder = root / f"{re.sub(r'[^A-Za-z0-9,.]+', ' ', stage.name)}, {stage.key[:8]}"
        self.text = ""  # lines of stats.jsonl that are in the event files
        self.step = 0
        self.shown: dict[str, bytes] = {}  # pictures that are in the event files
        self.writer: SummaryWriter | None = None

    @property
    def source(self) -> Path:
        """Where the training writes; `store.cached` renames the folder when it is finished."""
        return next(iter(partials(self.final)), self.final)

    def update(self) -> None:
        """Write what is new: numbers, then pictures."""
        stats = self.source / "stats.jsonl"
        if not stats.exists():
            return
        text = stats.read_text("utf-8")
        text = text[: text.rfind("\n") + 1]  # a line may be half-written
        if self.writer is None or not text.startswith(self.text):
            self.begin()
        for line in text[len(self.text) :].splitlines():
            self.add(json.loads(line))
        self.text = text
        for name in PICTURES:
            self.show(name)
        if self.writer:
            self.writer.flush()

    def begin(self) -> None:
        """Start new event files in the place of any that an earlier run left."""
        from torch.utils.tensorboard import SummaryWriter

        self.close()
        for old in self.folder.glob("events.out.tfevents.*"):
            old.unlink()
        self.writer, self.text, self.shown = SummaryWriter(str(self.folder)), "", {}

    def add(self, values: dict[str, float | str]) -> None:
        """Write one line of numbers."""
        self.step = int(values.get("epoch", values.get("step", 0)))
        for name, value in values.items():
            if self.writer and name not in ("epoch", "step") and not isinstance(value, str):
                self.writer.add_scalar(name, value, self.step)

    def show(self, name: str) -> None:
        """Write a picture, if it is there and has changed."""
        path = self.source / f"{name}.png"
        if not self.writer or not path.exists() or self.shown.get(name) == path.read_bytes():
            return
        import numpy as np
        from PIL import Image

        self.shown[name] = path.read_bytes()
        with Image.open(path) as image:
            self.writer.add_image(name, np.asarray(image.convert("RGB")), self.step, dataformats="HWC")

    def close(self) -> None:
        """Finish the event files."""
        if self.writer:
            self.writer.close()


@contextmanager
def mirrored(root: Path | None, place: Place, watch: Watch) -> Iterator[Watch]:
    """A `watch` that does what the given one does, and mirrors every training under `root`; without `root`, the same.

    Raises:
        InputError: TensorBoard is not installed.
    """
    if root is None:
        yield watch
        return
    if importlib.util.find_spec("tensorboard") is None:
        raise InputError(
            "--tensorboard: the package `tensorboard` is not installed here. Run: pip install 'robustgan[tensorboard]'"
        )
    mirrors: list[Mirror] = []

    def finish(over: list[Mirror]) -> None:
        for mirror in over:
            mirror.update()
            mirror.close()
            mirrors.remove(mirror)

    def both(stage: Stage, cached: bool) -> Tick:
        finish([mirror for mirror in mirrors if mirror.final.exists()])  # others may be at work beside this one
        mirror, told = Mirror(root, place, stage), watch(stage, cached)
        mirrors.append(mirror)
        last = time.monotonic()

        def tick(done: int, total: int, text: str) -> None:
            nonlocal last
            told(done, total, text)
            if time.monotonic() - last >= EVERY:
                mirror.update()
                last = time.monotonic()

        return tick

    try:
        yield both
    finally:
        finish(list(mirrors))
