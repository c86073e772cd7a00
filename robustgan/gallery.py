"""A few pictures of an attack: original and fooling image as PNG, with both scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from PIL import Image

from robustgan.tensors import Bytes

COLUMNS = ["attack", "norm", "eps", "model", "fold", "image_id", "magnification", "label", "clean_score", "score"]


class Pictures(NamedTuple):
    """Images with their rows, in the same order."""

    rows: pd.DataFrame  # PREDICTIONS columns
    clean: Bytes
    adversarial: Bytes


def choose(predictions: pd.DataFrame, count: int) -> list[int]:
    """Rows for the gallery: `count` a class and magnification, right when clean and fooled first, then by image_id."""
    right = predictions["clean_pred"] == predictions["label"]
    order = predictions.assign(miss=~(right & (predictions["pred"] != predictions["label"])), wrong=~right).sort_values(
        ["magnification", "label", "miss", "wrong", "image_id"]
    )
    return order.groupby(["magnification", "label"], sort=False).head(count).index.tolist()


def take(pictures: Pictures, count: int) -> Pictures:
    """The pictures that are chosen. Those chosen from parts, joined and chosen again, are those of the whole."""
    rows = pictures.rows.reset_index(drop=True)
    chosen = choose(rows, count)
    return Pictures(rows.loc[chosen], pictures.clean[chosen], pictures.adversarial[chosen])


def joined(parts: Sequence[Pictures]) -> Pictures:
    """The pictures of several parts."""
    rows, clean, adversarial = zip(*parts, strict=True)
    return Pictures(pd.concat(rows, ignore_index=True), torch.cat(clean), torch.cat(adversarial))


def write(pictures: Pictures, folder: Path) -> None:
    """Write the images under `folder/examples` and their rows to `folder/examples.csv`."""
    rows = pictures.rows
    (folder / "examples").mkdir(exist_ok=True)
    names = [f"{label}-{i[:12]}" for label, i in zip(rows["attack"], rows["image_id"], strict=True)]
    for name, before, after in zip(names, pictures.clean, pictures.adversarial, strict=True):
        _png(before, folder / "examples" / f"{name}-clean.png")
        _png(after, folder / "examples" / f"{name}-adv.png")
    table = rows[COLUMNS].assign(
        clean_png=[f"examples/{name}-clean.png" for name in names],
        adv_png=[f"examples/{name}-adv.png" for name in names],
    )
    table.to_csv(folder / "examples.csv", index=False, float_format="%.6g", lineterminator="\n")


def _png(image: torch.Tensor, path: Path) -> None:
    Image.fromarray(image.permute(1, 2, 0).cpu().numpy()).save(path, optimize=True)
