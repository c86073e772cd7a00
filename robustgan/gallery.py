"""A few pictures of an attack: original and fooling image as PNG, with both scores."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from PIL import Image

from robustgan.tensors import Bytes

COLUMNS = ["attack", "norm", "eps", "model", "fold", "image_id", "magnification", "label", "clean_score", "score"]


def choose(predictions: pd.DataFrame, count: int) -> list[int]:
    """Rows for the gallery: `count` a class and magnification, right when clean and fooled first, then by image_id."""
    right = predictions["clean_pred"] == predictions["label"]
    order = predictions.assign(miss=~(right & (predictions["pred"] != predictions["label"])), wrong=~right).sort_values(
        ["magnification", "label", "miss", "wrong", "image_id"]
    )
    return order.groupby(["magnification", "label"], sort=False).head(count).index.tolist()


def write(rows: pd.DataFrame, clean: Bytes, adversarial: Bytes, folder: Path) -> None:
    """Write the images of `rows` (same order) under `folder/examples` and the rows to `folder/examples.csv`."""
    (folder / "examples").mkdir(exist_ok=True)
    names = [f"{label}-{i[:12]}" for label, i in zip(rows["attack"], rows["image_id"], strict=True)]
    for name, before, after in zip(names, clean, adversarial, strict=True):
        _png(before, folder / "examples" / f"{name}-clean.png")
        _png(after, folder / "examples" / f"{name}-adv.png")
    table = rows[COLUMNS].assign(
        clean_png=[f"examples/{name}-clean.png" for name in names],
        adv_png=[f"examples/{name}-adv.png" for name in names],
    )
    table.to_csv(folder / "examples.csv", index=False, float_format="%.6g", lineterminator="\n")


def _png(image: torch.Tensor, path: Path) -> None:
    Image.fromarray(image.permute(1, 2, 0).cpu().numpy()).save(path, optimize=True)
