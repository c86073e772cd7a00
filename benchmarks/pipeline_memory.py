"""One process that trains on and attacks a planted study of n images, and prints the most memory that it held.

    python -m benchmarks.pipeline_memory FOLDER N SIZE

It goes through robustgan's own steps, on decoded pixels as `images.decode` leaves them: 60 % of the images train,
20 % validate, 20 % are attacked. Peak memory is the system's count for the whole process (RSS), with all libraries.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustgan import provenance, steps, tables
from robustgan.journal import silent
from robustgan.work import Work

MODEL = {"kind": "densenet", "variant": "compact", "growth_rate": 4, "block_config": [1, 1]}
ATTACK = {"kind": "fgsm", "threat": {"norm": "linf", "eps": "4/255"}}
AT_ONCE = 1000  # images written at a time


def plant(folder: Path, n: int, size: int) -> None:
    """Decoded pixels of n images and the sides that their patients are on; malignant ones are redder."""
    (folder / "pixels").mkdir(parents=True, exist_ok=True)
    (folder / "split").mkdir(exist_ok=True)
    rng, label = np.random.default_rng(0), np.arange(n) // 20 % 2
    with (folder / "pixels" / "pixels.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (n, size, size, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, n, AT_ONCE):
            part = label[start : start + AT_ONCE]
            pixels = rng.integers(0, 200, (len(part), size, size, 3), np.uint8)
            pixels[..., 0] += (part * 50).astype(np.uint8)[:, None, None]
            file.write(pixels.tobytes())
    tables.write(folds(label, size), tables.FOLDS, folder / "split" / "fold.parquet")


def folds(label: np.ndarray, size: int) -> pd.DataFrame:
    """The FOLDS table: twenty images a patient; two patients, one of each class, go to the same side."""
    owner = np.arange(len(label)) // 20
    sides = np.array(["train", "test", "val", "train", "train"])
    frame = pd.DataFrame(
        {
            "image_id": [f"{i:064x}" for i in range(len(label))], "path": [f"{i}.png" for i in range(len(label))],
            "group": [f"99-{i}" for i in owner], "slide": [f"99-{i}A" for i in owner], "subtype": "",
            "magnification": 40, "label": label, "width": size, "height": size, "given_split": "", "finding": "",
            "fold": 1, "split": sides[owner // 2 % 5],
        }
    )  # fmt: skip
    return tables.check(frame, tables.FOLDS)


def work(folder: Path, name: str, settings: dict[str, Any], inputs: tuple[str, ...]) -> Work:
    """What a step gets."""
    (folder / name).mkdir()
    common = {"device": "cpu", "name": "densenet", "fold": 1, "seed": 0}
    return Work({**common, **settings}, {i: folder / i for i in inputs}, folder / name, folder, silent)


def main() -> None:
    """Do the steps; print seconds and peak memory after each as JSON."""
    folder, n, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    planting = multiprocessing.get_context("spawn").Process(target=plant, args=(folder, n, size))
    planting.start()  # elsewhere: what making the study leaves in memory is not the study's
    planting.join()
    training = {"epochs": 1, "batch": 64}
    settings = {"model": MODEL, "training": training}
    cell = {"attack": ATTACK, "attack_seed": 0, "batch": 128, "gallery": 1}
    found = {"images": n}
    for step, one in (
        (steps.classifier, work(folder, "classifier", settings, ("pixels", "split"))),
        (steps.attacked, work(folder, "attacked", cell, ("pixels", "split", "classifier"))),
    ):
        start = time.perf_counter()
        step(one)
        found[f"{step.__name__}_seconds"] = round(time.perf_counter() - start, 1)
        found[f"{step.__name__}_mib"] = provenance.peak_memory()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
