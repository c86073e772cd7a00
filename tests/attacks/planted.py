"""The planted weak classifier looks at a faint texture: noise averages out, what follows it does not."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from robustgan.attacks.advgan import AdvGAN
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal
from tests.conftest import Linear, samples_of

EPS = 8 / 255
LINF = {"norm": "linf", "eps": EPS}
QUICK = {"width": 16, "blocks": 1, "epochs": 6, "batch": 16, "lr": 1e-2, "kappa": 2.0}


def texture() -> torch.Tensor:
    """A chequered pattern of amplitude 1 that the symmetries of the square leave as it is."""
    wave = torch.tensor([1.0, -1.0, -1.0, 1.0]).repeat(4)
    return (wave[:, None] * wave[None, :]).expand(3, 16, 16).contiguous()


TEXTURE, PLANE = texture(), torch.ones(3, 16, 16)


def weak(pattern: torch.Tensor = TEXTURE) -> Linear:
    """The mean of the image along the pattern, times 400; 0 for a grey image."""
    weight = pattern * 400 / pattern.numel()
    return Linear(weight, bias=-float(weight.sum()) * 128 / 255).eval()


def planted(seed: int, n: int = 96, pattern: torch.Tensor = TEXTURE) -> Samples:
    """Noisy grey images that follow the pattern (malignant) or its opposite, by 1 to 12 grey levels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    level = 1 + 11 * torch.rand(n, generator=generator)
    noise = 20 * torch.randn(n, 3, 16, 16, generator=generator)
    noise = noise - (noise * pattern).mean((1, 2, 3), keepdim=True) * pattern  # the noise does not follow it
    images = 128 + noise + (level * (2 * labels - 1)).view(-1, 1, 1, 1) * pattern
    return samples_of(images.round().clamp(0, 255).to(torch.uint8), labels)


class Fitted:
    """A generator after `fit`, and what fit wrote."""

    def __init__(
        self,
        folder: Path,
        model: nn.Module,
        journal: Journal | None = None,
        images: int = 96,
        pattern: torch.Tensor = TEXTURE,
        **settings: Any,
    ) -> None:
        folder.mkdir(exist_ok=True)
        quick = {name: value for name, value in QUICK.items() if name != "kappa" or settings.get("objective") is None}
        self.attack = AdvGAN.read({"threat": LINF, **quick, **settings})
        torch.manual_seed(0)
        self.network = self.attack.build()
        state = State(self.network, torch.Generator().manual_seed(0))
        train, val = planted(1, images, pattern), planted(2, 48, pattern)
        self.attack.fit(model, train, val, state, journal or Journal(folder))
        self.checks = json.loads((folder / "checks.json").read_text("utf-8"))
        self.stats = [json.loads(line) for line in (folder / "stats.jsonl").read_text("utf-8").splitlines()]


def fooled(rows: pd.DataFrame, labels: torch.Tensor) -> float:
    """Share of the images right when clean that are wrong when attacked."""
    right = rows["clean_pred"].to_numpy() == labels.numpy()
    return float((rows["pred"].to_numpy() != labels.numpy())[right].mean())


class Cut(Journal):
    """A journal of a run of four epochs that is killed in the middle of the third; told of `last` steps in all."""

    def __init__(self, folder: Path, last: int = 24) -> None:
        super().__init__(folder, self.die)
        self.last = last

    def die(self, done: int, total: int, text: str) -> None:
        if total == self.last and done > total * 2.5 / 4:
            raise KeyboardInterrupt
