"""A finished run in small: stage folders with pixels, a fold, a generator and what the run judged of it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import tables, weights
from robustgan.attacks.dcgan import DCGAN
from robustgan.gan.conditional import Gan
from robustgan.journal import silent
from tests.conftest import samples_of

TINY = DCGAN.read(
    {"size": 16, "latent": 6, "embedding": 4, "ngf": 4, "ndf": 4}
    | {"search": {"images": 12, "starts": 5, "steps": 1, "batch": 8}}
)
KEYS = {"pixels": "aa", "split": "bb", "generator": "cc", "classifier": "dd"}


class Bright(nn.Module):
    """P(malignant) follows the mean brightness."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        level = self.gain * (x.mean((1, 2, 3)) - 0.5)
        return torch.stack([-level, level], 1)


def painter(rows: pd.DataFrame) -> Gan:
    """A generator that was not trained, with contrast, declared fit for use."""
    torch.manual_seed(0)
    gan = TINY.build()
    assert isinstance(gan, Gan)
    gan.name_cells(rows)
    gan.generator.ups[-1].weight.data *= 100
    gan.discriminator.score.bias.data += 1  # it finds every image real enough: half of the searches are over at once
    return gan.eval()


def write_run(out: Path, attack: DCGAN = TINY, name: str = "small", victim: str = "m") -> Path:
    """Write `runs/` and one report; return the report's folder."""
    images = torch.randint(0, 256, (96, 3, 16, 16), generator=torch.Generator().manual_seed(5), dtype=torch.uint8)
    everything = samples_of(images, torch.arange(96) // 2 % 2, (40, 100))
    sides = np.where(np.arange(96) < 24, "train", "test")
    folders = {kind: out / "runs" / kind / key for kind, key in KEYS.items()}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    np.save(folders["pixels"] / "pixels.npy", images.permute(0, 2, 3, 1).numpy())
    folds = everything.rows.assign(split=sides, fold=1)
    tables.write(folds, tables.FOLDS, folders["split"] / "fold.parquet")
    gan = painter(everything.rows)
    weights.save(gan, folders["generator"] / "weights.safetensors")
    settings = {"device": "cpu", "attack": attack.settings(), "seed": 3, "fold": 1, "attack_seed": 0}
    key = f"ee-{attack.label}" + ("" if victim == "m" else f"-{victim}")
    place = out / "runs" / "forged" / key
    place.mkdir(parents=True)
    rows = attack.fool(Bright(40.0), [Bright(6000.0)], gan, everything, 3, place, silent)
    cell = {"model": victim, "source": victim, "attack": attack.label, "norm": "unrestricted", "eps": np.nan}
    tables.write(rows.assign(**cell, seed=0, fold=1), tables.GENERATED, place / "generated.parquet")
    record = {"settings": settings, "inputs": KEYS, "stage": "forged", "name": "attack dcgan", "key": key}
    (place / "run.json").write_text(json.dumps(record))
    report = out / "reports" / name
    report.mkdir(parents=True, exist_ok=True)
    listed = json.loads((report / "run.json").read_text())["stages"] if (report / "run.json").exists() else []
    (report / "run.json").write_text(json.dumps({"stages": [*listed, {"stage": "forged", "key": key}]}))
    return report


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("rated"))
