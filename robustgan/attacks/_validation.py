"""How well a generator fools the classifier on validation patients, judged as the harness will judge it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch

from robustgan.interfaces import Bounded, Samples
from robustgan.quantise import to_8_bit, to_float
from robustgan.tensors import Bytes, Images, Labels, Network

Propose = Callable[[Images, Labels, list[str]], Images]  # images, their labels and ids, to changed images
BATCH = 256  # images judged at once


class Known(NamedTuple):
    """Validation images that the classifier gets right."""

    images: Bytes
    labels: Labels
    ids: list[str]


class Success(NamedTuple):
    """What a way to change images does on validation images."""

    rate: float  # share of the images right when clean that are wrong after 8-bit quantisation
    l2: float  # mean Euclidean length of the change, on the [0, 1] scale


@torch.no_grad()
def recognised(model: Network, val: Samples) -> Known:
    """Leave out the images that are wrong already: they say nothing about an attack."""
    pairs = zip(torch.split(val.images, BATCH), torch.split(val.labels, BATCH), strict=True)
    right = torch.cat([model(to_float(images)).argmax(1) == labels for images, labels in pairs])
    return Known(val.images[right], val.labels[right], val.rows["image_id"][right.cpu().numpy()].tolist())


@torch.no_grad()
def success(model: Network, propose: Propose, known: Known, threat: Bounded) -> Success:
    """Judge as the harness does: project, quantise to 8 bits, classify."""
    wrong, length = 0, 0.0
    for start in range(0, len(known.ids), BATCH):
        part = slice(start, start + BATCH)
        images, labels = known.images[part], known.labels[part]
        x = to_float(images)
        x_adv = threat.project(x, propose(x, labels, known.ids[part]))
        eight = to_float(to_8_bit(images, x_adv, threat))
        wrong += int((model(eight).argmax(1) != labels).sum())
        length += float((eight - x).flatten(1).norm(dim=1).sum())
    return Success(wrong / max(1, len(known.ids)), length / max(1, len(known.ids)))
