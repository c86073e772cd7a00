"""Simulated tissue, a compact classifier of it, and what AdvGAN does to that classifier: for the benchmarks."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from robustgan import config, images, splits, tables
from robustgan.attacks._change import made
from robustgan.attacks._validation import recognised, success
from robustgan.attacks.advgan import AdvGAN
from robustgan.experiment import Pixels, Split, Training
from robustgan.freezing import frozen
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal, silent
from robustgan.tensors import Network

SIZE, PATIENTS = 48, 64
COMPACT = {"kind": "densenet", "variant": "compact", "stem": "half", "growth_rate": 12, "block_config": [2, 4, 4]}


def tissue(device: torch.device) -> tuple[Samples, Samples]:
    """Training and validation patients."""
    dataset = config.plugin("datasets", {"kind": "synthetic", "patients": PATIENTS, "fields": 1, "seed": 21})
    with TemporaryDirectory() as place:
        root = Path(place) / "tree"
        dataset.make(root, silent)
        rows = dataset.manifest(root, silent)
        images.decode(root, rows, Pixels(size=SIZE), Path(place) / "pixels.npy", silent)
        array = np.load(Path(place) / "pixels.npy")
    folds = splits.assign(rows, Split.read({"protocol": "accession-cv4", "folds": [1]}), 1)
    train, val = (side(array, folds, name, device) for name in ("train", "val"))
    return train, val


def side(array: np.ndarray, folds: pd.DataFrame, name: str, device: torch.device) -> Samples:
    """The images of one side of the split."""
    chosen = np.flatnonzero(folds["split"] == name)
    pictures = torch.from_numpy(array[chosen]).permute(0, 3, 1, 2).contiguous().to(device)
    rows = folds.iloc[chosen][list(tables.MANIFEST)].reset_index(drop=True)
    return Samples(pictures, torch.from_numpy(rows["label"].to_numpy(copy=True)).to(device), rows)


def classifier(train: Samples, val: Samples, **changes: object) -> Network:
    """A compact DenseNet, trained as in `advgan.yaml` but for `changes`."""
    from robustgan.training import train as learn

    torch.manual_seed(0)
    network: Network = config.plugin("models", COMPACT).build().to(train.images.device)
    rule = Training.read({"epochs": 30, "batch": 32, "lr": 3e-3, "stain": 0.1, "patience": 30, **changes})
    with TemporaryDirectory() as place:
        learn(network, train, val, rule, 0, Journal(Path(place)))
    return network.eval()


def fooled(model: Network, recipe: AdvGAN, train: Samples, val: Samples) -> float:
    """Share of the validation images right when clean that a trained generator turns, judged as the harness judges."""
    torch.manual_seed(0)
    generator = recipe.build().to(train.images.device)
    with TemporaryDirectory() as place:
        state = State(generator, torch.Generator().manual_seed(0))
        recipe.fit(model, train, val, state, Journal(Path(place)))
    with frozen(model), frozen(generator):
        known = recognised(model, val)
        return success(model, lambda x, y, ids: made(generator, x, y, recipe.threat), known, recipe.threat).rate
