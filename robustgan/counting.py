"""What an attack asks of a classifier, counted image by image; for a black box the gradients are kept back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import torch
from torch import nn

from robustgan.errors import RunError
from robustgan.tensors import Images, Logits, Tensor

CPU = torch.device("cpu")


class Counted(nn.Module):
    """A classifier that counts forward passes and gradients of each of n images.

    An attack may show all n images, or several changes of each; then every image is counted alike. An attack that
    shows only some of them says which (`focus`).
    """

    def __init__(self, model: nn.Module, gradients: bool, images: int = 1, device: torch.device = CPU) -> None:
        super().__init__()
        self.model, self.gradients = model, gradients
        self.forwards, self.backwards = torch.zeros(2, images, device=device)  # where the images are: nothing waits
        self.rows = torch.arange(images, device=device)  # the images that are shown now

    def forward(self, x: Images) -> Logits:
        """Logits of the model, counted."""
        rows, each = self.rows, len(x) / max(1, len(self.rows))
        self.forwards[rows] += each
        if not self.gradients:
            with torch.no_grad():
                return cast(Tensor, self.model(x.detach()))
        logits = cast(Tensor, self.model(x))
        if logits.requires_grad:
            logits.register_hook(lambda _: self._back(rows, each))  # type: ignore[no-untyped-call]
        return logits

    def _back(self, rows: Tensor, each: float) -> None:
        self.backwards[rows] += each


class Tallied(Counted):
    """A black box for a training, whose count of images stands in a file: a run that was killed counts on."""

    def __init__(self, model: nn.Module, file: Path) -> None:
        super().__init__(model, gradients=False)
        self.file, self.total = file, int(file.read_text("ascii")) if file.exists() else 0

    def forward(self, x: Images) -> Logits:
        """Logits of the model; they are counted before they are given."""
        self.total += len(x)
        beside = self.file.with_suffix(".counting")
        beside.write_text(str(self.total), "ascii")
        beside.replace(self.file)
        return super().forward(x)

    def compare(self, label: str, said: Path) -> None:
        """Hold the attack's own count against this one, where the attack has written one (`queries` in `said`).

        Raises:
            RunError: they differ by more than what a kill may have kept from being asked once it was announced.
        """
        queries = json.loads(said.read_text("utf-8")).get("queries") if said.exists() else None
        if queries is None:
            return
        most = queries["used"] + queries["measuring"]
        if not most - queries["again"] <= self.total <= most:
            raise RunError(
                f"{label}: says that it asked about {most} images ({queries['used']} to learn and to choose, "
                f"{queries['measuring']} to measure), but the classifier was shown {self.total}."
            )


@contextmanager
def focus(model: nn.Module, index: Tensor) -> Iterator[None]:
    """Say that only these of the images are shown to `model` meanwhile; nested, it counts within them."""
    counters = [model] if isinstance(model, Counted) else [m for m in model.modules() if isinstance(m, Counted)]
    before = [counter.rows for counter in counters]
    for counter in counters:
        counter.rows = counter.rows[index.to(counter.rows.device)]
    try:
        yield
    finally:
        for counter, rows in zip(counters, before, strict=True):
            counter.rows = rows
