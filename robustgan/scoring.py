"""P(malignant), as a classifier says it of images that nobody attacked: all that choosing an operating point needs."""

from __future__ import annotations

import torch
from torch import nn

from robustgan.batches import Room, halved
from robustgan.errors import RunError
from robustgan.freezing import frozen
from robustgan.operating import score
from robustgan.quantise import to_float
from robustgan.tensors import Bytes, Images, Scores


def scores(model: nn.Module, x: Images) -> Scores:
    """P(malignant) of images in [0, 1].

    Raises:
        RunError: the model's outputs are not finite.
    """
    found = score(model, x)
    if not torch.isfinite(found).all():
        raise RunError("the classifier's outputs are not finite.")
    return found


def scores_of(model: nn.Module, images: Bytes, room: Room) -> Scores:
    """P(malignant) of 8-bit images, a batch at a time, with the model frozen."""
    with frozen(model):
        parts = halved(len(images), room, lambda part: scores(model, to_float(images[part])), "scores")
        return torch.cat(list(parts))
