"""How well a way to change images fools the classifier, judged as the harness will judge it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from robustgan.interfaces import Bounded, Samples
from robustgan.quantise import to_8_bit, to_float
from robustgan.shapes import Bool, Int
from robustgan.tensors import Bytes, Images, Labels, Network, Scores

Propose = Callable[[Images, Labels, list[str]], Images]  # images, their labels and ids, to changed images
Flags = Bool[Tensor, " n"]  # one an image
BATCH = 256  # images judged at once


class Known(NamedTuple):
    """Images that the classifier gets right."""

    images: Bytes
    labels: Labels
    ids: list[str]


class Success(NamedTuple):
    """What a way to change images does."""

    rate: float  # share of the images right when clean that are wrong after 8-bit quantisation
    l2: float  # mean Euclidean length of the change, on the [0, 1] scale


def recognised(model: Network, samples: Samples) -> Known:
    """Leave out the images that are wrong already: they say nothing about an attack."""
    return known_of(samples, right(model, samples))


@torch.no_grad()
def right(model: Network, samples: Samples) -> Flags:
    """Which images the classifier gets right."""
    pairs = zip(torch.split(samples.images, BATCH), torch.split(samples.labels, BATCH), strict=True)
    return torch.cat([model(to_float(images)).argmax(1) == labels for images, labels in pairs])


def known_of(samples: Samples, mask: Flags) -> Known:
    """The images that are right."""
    ids = samples.rows["image_id"][mask.cpu().numpy()].tolist()
    return Known(samples.images[mask], samples.labels[mask], ids)


def evenly(images: int, most: int) -> Int[Tensor, " n"]:
    """At most so many of so many row numbers, evenly spaced."""
    count = min(images, most)
    return torch.arange(count) * images // max(1, count)


def picked(samples: Samples, rows: Int[Tensor, " n"]) -> Samples:
    """The images of some rows, in their order."""
    index = rows.to(samples.images.device)
    return Samples(samples.images[index], samples.labels[index], samples.rows.iloc[rows.tolist()])


@torch.no_grad()
def success(model: Network, propose: Propose, known: Known, threat: Bounded) -> Success:
    """Share of the images that fool the classifier, and how much they are changed."""
    wrong, length = verdicts(model, propose, known, threat)
    images = max(1, len(known.ids))
    return Success(float(wrong.sum()) / images, float(length.double().sum()) / images)


@torch.no_grad()
def verdicts(model: Network, propose: Propose, known: Known, threat: Bounded) -> tuple[Flags, Scores]:
    """Judge as the harness does: project, quantise to 8 bits, classify; which images fool, and their l2."""
    wrong, length = [known.labels[:0].bool()], [known.labels[:0].float()]
    for start in range(0, len(known.ids), BATCH):
        part = slice(start, start + BATCH)
        images, labels = known.images[part], known.labels[part]
        x = to_float(images)
        x_adv = threat.project(x, propose(x, labels, known.ids[part]))
        eight = to_float(to_8_bit(images, x_adv, threat))
        wrong.append(model(eight).argmax(1) != labels)
        length.append((eight - x).flatten(1).norm(dim=1))
    return torch.cat(wrong), torch.cat(length)
