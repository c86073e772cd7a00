"""What the folders that a step gets hold: images of one side, classifiers, generators, and the names of the cell."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import torch

from robustgan import config, freezing, tables, weights
from robustgan.device import choose
from robustgan.errors import InputError
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.operating import Placed
from robustgan.stored import images_at
from robustgan.tensors import Network
from robustgan.work import Work


def device_of(work: Work) -> torch.device:
    """The device that the config asks for; `auto` is a GPU where there is one."""
    return choose(work.settings["device"])


def samples(work: Work, side: str, split: str = "split") -> Samples:
    """All images of one side of the fold, for the device, in manifest order; many of them stay on disk (stored.py).

    Raises:
        InputError: there are none.
    """
    folds = tables.read(work.inputs[split] / "fold.parquet", tables.FOLDS)
    chosen = np.flatnonzero(folds["split"] == side)
    if not len(chosen):
        raise InputError(
            f"fold {folds['fold'].iloc[0]}: no image is on the side `{side}`; look at `robustgan data audit`."
        )
    images = images_at(work.inputs["pixels"] / "pixels.npy", chosen, device_of(work))
    rows = folds.iloc[chosen][list(tables.MANIFEST)].reset_index(drop=True)
    del folds
    pyarrow.default_memory_pool().release_unused()  # it would keep twice what reading the table took
    return Samples(images, torch.from_numpy(rows["label"].to_numpy(copy=True)).to(images.device), rows)


def further(tick: Tick, first: int, total: int) -> Tick:
    """The progress of a part, as progress of the whole."""
    return lambda done, _, text: tick(first + done, total, text)


def classifier_of(work: Work, name: str) -> Network:
    """A finished classifier, in eval mode, at its operating point where one was chosen."""
    folder = work.inputs[name]
    model = config.plugin("models", json.loads((folder / "card.json").read_text("utf-8"))["model"])
    network: Network = model.skeleton().to(device_of(work))
    weights.load(network, folder / "weights.safetensors")
    point = work.inputs.get(f"{name}.operating")
    if point:
        network = Placed(network, json.loads((point / "operating.json").read_text("utf-8"))["threshold"])
    return network.eval()


def attack_of(work: Work) -> Any:
    """The attack that the settings describe."""
    return config.plugin("attacks", work.settings["attack"])


def generator_of(work: Work, attack: Any) -> Network:
    """The attack's network, trained where it trains."""
    network: Network = attack.build().to(device_of(work))
    if attack.trains:
        weights.load(network, work.inputs["generator"] / "weights.safetensors")
    return network.eval()


def named(test: Samples, rows: pd.DataFrame, names: dict[str, Any]) -> pd.DataFrame:
    """What was found for each image, in manifest order, with what the manifest says of it and the cell's names."""
    kept = ["image_id", "group", "slide", "subtype", "magnification", "label"]
    return test.rows[kept].merge(rows, on="image_id", validate="one_to_one").assign(**names)


def identity(work: Work, attack: Any) -> dict[str, Any]:
    """The columns that say which cell a row belongs to."""
    victim = json.loads((work.inputs["classifier"] / "card.json").read_text("utf-8"))["name"]
    threat = attack.threat
    names = {"model": victim, "source": victim, "attack": attack.label, "norm": threat.norm, "eps": threat.eps}
    return {**names, "seed": work.settings["attack_seed"], "fold": work.settings["fold"]}


def save(network: Network, work: Work) -> None:
    """Write weights and their card."""
    weights.save(network, work.folder / "weights.safetensors")
    card = {
        "name": work.settings["name"],
        "fold": work.settings["fold"],
        "model": work.settings.get("model"),
        "parameters": sum(p.numel() for p in network.parameters()),
        "weights_sha256": freezing.weights_digest(network),
    }
    (work.folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
