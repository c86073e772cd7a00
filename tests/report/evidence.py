"""The evidence that a planted report folder may have besides its predictions: strength, probes, survival."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustgan import tables

CHECKS = {"budget": "pass", "restarts": "fail", "zero gradients": "warn", "transfer": "not run"}


def strength(path: Path, statuses: dict[str, str] = CHECKS, model: str = "densenet") -> None:
    """Write STRENGTH: one row a check."""
    rows = [
        {
            "model": model, "check": name, "status": status, "found": f"{name}: 3 of 100 images", "expected": "none",
            "value": math.nan if status == "not run" else 0.03, "limit": 0.02,
            "images": 0 if status == "not run" else 100,
        }
        for name, status in statuses.items()
    ]  # fmt: skip
    tables.write(tables.check(pd.DataFrame(rows), tables.STRENGTH), tables.STRENGTH, path / "strength.csv")


def probes(path: Path, images: int = 40, model: str = "densenet") -> None:
    """Write PROBES: of `images` images, the share turned grows with the budget and not with the iterations."""
    place = 8 / 255
    parts = [_probe("budget", eps, eps, share, images) for eps, share in ((place / 4, 0.2), (place, 0.6), (1.0, 1.0))]
    parts += [_probe("iterations", steps, place, 0.6, images) for steps in (10, 20, 40)]
    parts += [_probe("restarts", n, place, 0.6, images) for n in (1, 3)]
    parts += [_probe("noise", 20, place, 0.0, images)]
    search = _probe("black-box", 200, place, 0.5, images)
    parts.append(search.assign(queries=np.where(search["pred"] != search["label"], np.arange(images) * 5.0 + 1, 200.0)))
    tables.write(
        tables.check(pd.concat(parts).assign(model=model), tables.PROBES),
        tables.PROBES,
        path / "evidence/probes.parquet",
    )


def _probe(probe: str, setting: float, eps: float, share: float, images: int) -> pd.DataFrame:
    label = np.arange(images) % 2
    turned = np.arange(images) < round(share * images)
    rows: dict[str, Any] = {
        "model": "", "fold": 1, "probe": probe, "attack": "pgd", "norm": "linf", "eps": eps, "setting": float(setting),
        "image_id": [f"{i:064x}" for i in range(images)], "group": [f"14-{i % 9}" for i in range(images)],
        "label": label, "clean_pred": label, "pred": np.where(turned, 1 - label, label),
        "margin": np.where(turned, 1.0, -1.0), "queries": float(setting),
    }  # fmt: skip
    return pd.DataFrame(rows)


def survival(path: Path, model: str = "densenet") -> pd.DataFrame:
    """Write SURVIVAL of every attack: rounding costs nothing, PNG nothing, and JPEG undoes every second image."""
    rows = tables.read(path / "predictions.parquet", tables.PREDICTIONS)
    rows = rows[(rows["attack"] != "clean") & (rows["model"] == model)].reset_index(drop=True)
    again = np.where(np.arange(len(rows)) % 2 == 0, rows["pred"], rows["clean_pred"])
    kept = rows[[name for name in tables.SURVIVAL if name in rows]]
    made = kept.assign(float_pred=rows["pred"], png_pred=rows["pred"], jpeg_pred=again, ssim=0.97, stain=0.01)
    made = tables.check(made, tables.SURVIVAL)
    tables.write(made, tables.SURVIVAL, path / "survival.parquet")
    return made


OPERATING = {
    "densenet": {
        "name": "densenet", "rule": {"rule": "sensitivity", "sensitivity": 0.95}, "threshold": 0.25,
        "sensitivity": 0.96, "specificity": 0.8, "images": 120, "groups": 30,
    }
}  # fmt: skip


def complete(path: Path, model: str = "densenet") -> None:
    """Write everything that a run of today measures; strength is judged from the probes."""
    probes(path, model=model)
    survival(path, model)


def policy(title: str = "Release") -> dict[str, Any]:
    """A policy that the planted run meets in part."""
    return {
        "name": "release", "title": title, "gates": [
            {"name": "leak-free", "kind": "leak_free", "why": title},
            {"name": "strength", "kind": "strength", "why": title},
            {"name": "clean-sensitivity", "kind": "clean_sensitivity", "limit": 0.5, "bound": "low", "why": title},
            {"name": "missed-cancers", "kind": "missed_cancers", "norm": "linf", "eps": "8/255", "limit": 0.1,
             "bound": "high", "why": title},
        ],
    }  # fmt: skip
