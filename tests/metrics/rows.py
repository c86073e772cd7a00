"""PREDICTIONS rows for tests, from what differs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from robustgan import tables


def rows(
    label: Sequence[int],
    clean: Sequence[float],
    score: Sequence[float],
    group: Sequence[str] | None = None,
    **columns: object,
) -> pd.DataFrame:
    """One row an image; without `group`, every image is its own patient."""
    n = len(label)
    frame = {
        "model": "densenet",
        "source": "densenet",
        "attack": "pgd",
        "norm": "linf",
        "eps": 0.03125,
        "seed": 0,
        "fold": 1,
        "image_id": [f"image{i:06d}" for i in range(n)],
        "group": [f"patient{i:06d}" for i in range(n)] if group is None else list(group),
        "slide": "",
        "subtype": "",
        "magnification": 0,
        "label": np.asarray(label, dtype=int),
        "clean_score": np.asarray(clean, dtype=float),
        "score": np.asarray(score, dtype=float),
        "clean_pred": (np.asarray(clean, dtype=float) >= 0.5).astype(int),
        "pred": (np.asarray(score, dtype=float) >= 0.5).astype(int),
        "linf": 0.03125,
        "l2": 1.0,
        "queries": 10.0,
        "backwards": 10.0,
        "solver": "",
    }
    return tables.check(pd.DataFrame({**frame, **columns}), tables.PREDICTIONS)


def study(attacks: Sequence[str] = ("clean", "fgsm", "pgd"), patients: int = 24, seed: int = 0) -> pd.DataFrame:
    """A classifier that works, 8 images a patient at four magnifications, and attacks that grow stronger."""
    rng = np.random.default_rng(seed)
    n = 8 * patients
    owner = np.repeat(np.arange(patients), 8)
    label = (owner % 3 > 0).astype(int)
    margin = (2 * label - 1) * (2 + rng.normal(size=n) + 0.5 * rng.normal(size=patients)[owner])
    parts = []
    for strength, attack in enumerate(attacks):
        moved = margin - (2 * label - 1) * strength * rng.random(n) * 1.5
        parts.append(
            rows(
                label,
                1 / (1 + np.exp(-margin)),
                1 / (1 + np.exp(-moved)),
                [f"patient{i:03d}" for i in owner],
                attack=attack,
                eps=np.nan if attack == "clean" else 0.03125,
                linf=0.0 if attack == "clean" else 0.03125,
                magnification=np.tile([40, 100, 200, 400], 2 * patients),
                subtype=np.where(label == 1, "ductal_carcinoma", "adenosis"),
            )
        )
    return pd.concat(parts, ignore_index=True)


def cell(table: pd.DataFrame, metric: str, **where: object) -> pd.Series:
    """The one row of a METRICS table for a metric (image unit, pooled, all subtypes, pgd unless told)."""
    wanted = {
        "unit": "image",
        "magnification": "pooled",
        "subtype": "all",
        "attack": "pgd",
        **where,
        "metric": metric,
    }
    found = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]
    assert len(found) == 1, f"{len(found)} rows for {wanted}"
    return found.iloc[0]
