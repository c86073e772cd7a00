"""Planted raters, and the sheets that they would send back."""

from pathlib import Path

import numpy as np
import pandas as pd

from robustgan.rating.key import CLASSES, COLUMNS, UNTOLD


def planted_key(images: int = 40, twice: int = 8, magnification: int = 40) -> pd.DataFrame:
    """Balanced: kinds alternate, labels in pairs; two real images a patient; half of the generated ones accepted."""
    place = np.arange(images)
    kind = np.where(place % 2 == 0, "real", "generated")
    rows = pd.DataFrame(
        {
            "id": [f"x{i:03d}" for i in place],
            "kind": kind,
            "label": place // 2 % 2,
            "magnification": magnification,
            "group": [f"p{i // 8}" if k == "real" else "" for i, k in zip(place, kind, strict=True)],
            "image_id": [f"image{i}" for i in place],
            "accepted": (kind == "generated") & (place % 8 < 4),
            "repeat_of": "",
            "mode": np.where(kind == "real", "", "natural"),
        }
    )
    again = rows.iloc[:twice].assign(id=[f"y{i:03d}" for i in range(twice)], repeat_of=rows["id"][:twice])
    return pd.concat([rows, again], ignore_index=True)


def perfect(key: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": key["id"],
            "real_or_generated": key["kind"],
            "label": [CLASSES[i] for i in key["label"]],
            "confidence": "5",
            "note": "",
        }
    )


def blinded(key: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Answers that depend on nothing, in half of the cases unsure of the label."""
    rng = np.random.default_rng(seed)
    return perfect(key).assign(
        real_or_generated=rng.choice(["real", "generated"], len(key)),
        label=rng.choice([*CLASSES, UNTOLD], len(key)),
        confidence=rng.choice(list("12345"), len(key)),
    )


def suspicious(key: pd.DataFrame) -> pd.DataFrame:
    """Everything is generated, and nothing can be told."""
    return perfect(key).assign(real_or_generated="generated", label=UNTOLD, confidence="1")


def saved(rows: pd.DataFrame, path: Path) -> Path:
    rows[list(COLUMNS)].to_csv(path, index=False)
    return path
