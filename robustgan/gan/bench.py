"""The images that a GAN learns from and is measured with: training images by label, and held-out ones."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from robustgan.errors import InputError
from robustgan.gan.conditional import Gan, Latents
from robustgan.gan.painting import starts
from robustgan.gan.quality import Features, Yardstick, features
from robustgan.interfaces import Samples
from robustgan.tensors import Bytes, Images, Labels

HELD_OUT = 500  # validation images at most to measure the distance with
COMPARED = 500  # training images a label, at most, that generated images are compared with
JUDGED = 64  # generated images a label that the rules look at, also where fewer images are held out


class Pool(NamedTuple):
    """Training images of one size, sorted by label."""

    images: Bytes
    order: Tensor  # indices into `images`: those of label 0, then those of label 1, ...
    counts: Tensor  # images of each label
    groups: list[str]  # patient of each image

    def draw(self, labels: Labels, rng: torch.Generator) -> Bytes:
        """One image for each label, each image of a label as likely."""
        unit = torch.rand(len(labels), generator=rng, dtype=torch.float64)
        first = self.counts.cumsum(0) - self.counts
        place = first[labels] + (unit * self.counts[labels]).long()
        return self.images[self.order[place].to(self.images.device)]

    def places(self, label: int) -> Tensor:
        """Indices of all images of a label."""
        first = int(self.counts[:label].sum())
        return self.order[first : first + int(self.counts[label])]

    def at(self, places: Tensor) -> Bytes:
        """The images at some indices."""
        return self.images[places.to(self.images.device)]

    def of(self, label: int) -> Bytes:
        """All images of a label."""
        return self.at(self.places(label))


class Known(NamedTuple):
    """Training images of one label, no more than `COMPARED`."""

    places: Tensor  # in the pool
    features: Features  # as they are, not on the yardstick's scale
    groups: list[str]  # patients


class Bench(NamedTuple):
    """What every look at a generator uses: latent vectors, their labels, held-out and training images of these."""

    z: Latents
    labels: Labels
    more_z: Latents  # of labels with fewer held-out images than `JUDGED`, what is missing
    more_labels: Labels
    held_out: Bytes
    groups: list[str]  # patients of the held-out images
    trained_on: Bytes
    yardstick: Yardstick  # the held-out images
    known: list[Known]  # a label


def pool_of(gan: Gan, train: Samples) -> Pool:
    """Sort the training images by label."""
    labels = gan.labels_of(train.rows).cpu()
    return Pool(train.images, labels.argsort(stable=True), labels.bincount(), list(train.rows["group"]))


def bench_of(gan: Gan, pool: Pool, val: Samples) -> Bench:
    """Fixed latent vectors with the labels of held-out images, those images, and as many training images.

    Raises:
        InputError: fewer than 2 validation images have a label of the training's.
    """
    labels = gan.labels_of(val.rows)
    rng = torch.Generator().manual_seed(0)
    shuffled = torch.randperm(len(labels), generator=rng).to(labels.device)
    chosen = shuffled[labels[shuffled] >= 0][:HELD_OUT]
    if len(chosen) < 2:
        kind = "subtype" if gan.by_subtype else "class"
        raise InputError(
            f"dcgan: {len(chosen)} validation images have a label ({kind} and magnification) of the training images; "
            "at least 2 are needed to choose a generator. Raise `validation` under `split`."
        )
    z = torch.randn(len(chosen), gan.generator.latent, generator=rng).to(labels.device)
    trained_on = pool.draw(labels[chosen].cpu(), torch.Generator().manual_seed(0))
    groups = [str(val.rows["group"].iloc[i]) for i in chosen.tolist()]
    held_out, more = val.images[chosen], missing(gan, labels[chosen].bincount(minlength=len(gan.labels())))
    return Bench(
        z, labels[chosen], *more, held_out, groups, trained_on, Yardstick(held_out), known_of(pool, len(gan.labels()))
    )


def missing(gan: Gan, counts: Tensor) -> tuple[Latents, Labels]:
    """Latent vectors of labels that occur less than `JUDGED` times, as many as are missing, and their labels."""
    wanted, z = starts(gan, JUDGED, 0)
    rank = torch.arange(len(wanted), device=wanted.device) % JUDGED
    short = rank >= counts[wanted]
    return z[short], wanted[short]


def known_of(pool: Pool, labels: int) -> list[Known]:
    """Some training images of every label, drawn by lot, with their features."""
    rng, found = torch.Generator().manual_seed(0), []
    for i in range(labels):
        places = pool.places(i)
        some = places[torch.randperm(len(places), generator=rng)[:COMPARED]]
        found.append(Known(some, features(pool.at(some)), [pool.groups[place] for place in some.tolist()]))
    return found


def dequantised(images: Bytes, seed: int) -> Images:
    """Spread each grey level over its interval, so that the discriminator cannot see the grid of 8 bits."""
    rng = torch.Generator(images.device).manual_seed(seed)
    noise = torch.rand(images.shape, generator=rng, device=images.device)
    return (images.float() + noise) / 256
