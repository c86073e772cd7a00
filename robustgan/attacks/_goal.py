"""Which images an attack with a direction is about: malignant ones to hide, benign ones to invent disease in."""

from __future__ import annotations

import torch

from robustgan.attacks.advgan import Goal
from robustgan.errors import InputError
from robustgan.interfaces import Samples
from robustgan.tensors import POSITIVE, Images, Labels, Tensor

LABEL = {"hide": POSITIVE, "invent": 1 - POSITIVE}  # of the images that are changed
NAMES = {POSITIVE: "malignant", 1 - POSITIVE: "benign"}


def concerned(samples: Samples, goal: Goal, side: str) -> Samples:
    """The images that the goal is about, in the same order.

    Raises:
        InputError: there are none on this side of the split.
    """
    if goal == "any":
        return samples
    mask = meant(samples.labels, goal)
    if not mask.any():
        name = NAMES[LABEL[goal]]
        raise InputError(
            f"advgan.goal: found `{goal}`, which needs {name} images, but none of the {len(samples)} {side} images is "
            "one. Set `goal: any`, or choose another fold or `split.validation`."
        )
    return Samples(samples.images[mask], samples.labels[mask], samples.rows[mask.cpu().numpy()])


def meant(labels: Labels, goal: Goal) -> Tensor:
    """Which images are to be changed."""
    return labels == LABEL[goal] if goal in LABEL else torch.ones_like(labels, dtype=torch.bool)


def spared(x: Images, x_adv: Images, y: Labels, goal: Goal) -> Images:
    """The changed images where the goal is about them, the originals elsewhere."""
    return torch.where(meant(y, goal).view(-1, 1, 1, 1), x_adv, x)
