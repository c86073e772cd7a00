"""Attack cells on a planted classifier, with all that they need already there: seconds, and nothing is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from robustgan import config, pipeline, steps, tables, weights
from robustgan.execute import Here, Manner
from robustgan.execute.loop import Outcome
from robustgan.journal import Tick, silent
from robustgan.stage import Place, Stage
from tests.conftest import samples_of

SIZE, IMAGES, TESTED = 16, 26, 19  # test images do not fill their last batch
BATCH = 4
MODEL = {"kind": "densenet", "variant": "compact", "growth_rate": 4, "block_config": [1, 1]}
THREAT = {"norm": "linf", "eps": 8 / 255}


def given(name: str) -> Stage:
    """A stage whose folder is simply there."""
    return Stage(steps.manifest, name, {"given": name})


NEEDS = {name: given(name) for name in ("pixels", "split", "classifier")}
OTHER = given("target")


def prepare(place: Place) -> Place:
    """Write the folders that the cells need."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (IMAGES, SIZE, SIZE, 3), np.uint8)
    rows = samples_of(torch.from_numpy(pixels).movedim(-1, 1).contiguous(), torch.arange(IMAGES) % 2).rows
    test = rng.permutation(np.arange(IMAGES) < TESTED)
    folders = {stage.name: place.folder(stage) for stage in (*NEEDS.values(), OTHER)}
    for folder in folders.values():
        folder.mkdir(parents=True)
        (folder / "run.json").write_text('{"seconds": 1.0}\n')
    np.save(folders["pixels"] / "pixels.npy", pixels)
    folds = rows.assign(fold=1, split=np.where(test, "test", "train"))
    tables.write(folds, tables.FOLDS, folders["split"] / "fold.parquet")
    for seed, name in enumerate(("classifier", "target")):
        torch.manual_seed(seed)
        network: torch.nn.Module = config.plugin("models", MODEL).build()
        weights.save(network, folders[name] / "weights.safetensors")
        (folders[name] / "card.json").write_text(json.dumps({"name": name, "fold": 1, "model": MODEL}))
    return place


def cell(transfer: bool = False, gallery: int = 1, **attack: Any) -> Stage:
    """An attack's cell: by default PGD, which draws random numbers and takes gradients."""
    made = config.plugin("attacks", {"kind": "pgd", "threat": THREAT, "steps": 2, **attack})
    own = {"device": "cpu", "attack": made.settings(), "fold": 1, "attack_seed": 0, "seed": 7, "batch": BATCH}
    modules = ("robustgan.attacks.pgd",)
    if transfer:
        return Stage(steps.transferred, f"transfer {made.label}", own, {**NEEDS, "target": OTHER}, modules)
    return Stage(steps.attacked, f"attack {made.label}", {**own, "gallery": gallery}, dict(NEEDS), modules)


def work(todo: list[Stage], place: Place, **manner: Any) -> Outcome:
    """Do stages in this process; what is given is there, whatever the plan."""

    def quiet(stage: Stage, kept: bool) -> Tick:
        return silent

    return pipeline.work([*NEEDS.values(), OTHER, *todo], place, quiet, Manner(**{"backend": Here(), **manner}))


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file of a stage but `run.json`, which holds durations; empty folders count."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.name != "run.json"}
    return {name: path.read_bytes() if path.is_file() else b"" for name, path in found.items()}
