"""What a generator is given to learn from: that both classes are there, and which images they are."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from robustgan.errors import InputError
from robustgan.interfaces import Samples


def check_classes(label: str, samples: Samples, side: str, apart: bool = False) -> None:
    """Refuse images of one class.

    Args:
        label: what the attack is called.
        samples: one side of the split.
        side: which one.
        apart: whether both classes must be there at each magnification.

    Raises:
        InputError: says how many images there are of each class.
    """
    rows = samples.rows
    parts = [("", rows)]
    if apart:
        parts += [(f" at {scale}X" if scale else "", some) for scale, some in rows.groupby("magnification")]
    for where, some in parts:
        malignant = int(some["label"].sum())
        if malignant in (0, len(some)):
            raise InputError(
                f"{label}: found {len(some) - malignant} benign and {malignant} malignant {side} images{where}, and "
                "both classes are needed. Give images of the other one"
                + (", or leave this magnification out." if where else ", or choose another fold.")
            )


def identity_of(settings: dict[str, Any], sides: tuple[Samples, Samples], victim: str = "") -> str:
    """sha256 of what a checkpoint belongs to: settings, images with their labels and size, the victim's weights."""
    total = hashlib.sha256(json.dumps([settings, victim], sort_keys=True).encode())
    for side in sides:
        rows = zip(side.rows["image_id"].tolist(), side.labels.tolist(), strict=True)
        total.update(json.dumps([list(side.images.shape), list(rows)]).encode())
    return total.hexdigest()
