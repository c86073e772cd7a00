"""The images that a GAN learns from and is measured with: training images by label, and held-out ones."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from robustgan.errors import InputError
from robustgan.gan.conditional import Gan, Latents
from robustgan.gan.quality import Yardstick
from robustgan.interfaces import Samples
from robustgan.tensors import Bytes, Images, Labels

HELD_OUT = 500  # validation images at most to measure the distance with


class Pool(NamedTuple):
    """Training images of one size, sorted by label."""

    images: Bytes
    order: Tensor  # indices into `images`: those of label 0, then those of label 1, ...
    counts: Tensor  # images of each label

    def draw(self, labels: Labels, rng: torch.Generator) -> Bytes:
        """One image for each label, each image of a label as likely."""
        unit = torch.rand(len(labels), generator=rng, dtype=torch.float64)
        first = self.counts.cumsum(0) - self.counts
        place = first[labels] + (unit * self.counts[labels]).long()
        return self.images[self.order[place].to(self.images.device)]

    def of(self, label: int) -> Bytes:
        """All images of a label."""
        first = int(self.counts[:label].sum())
        return self.images[self.order[first : first + int(self.counts[label])].to(self.images.device)]


class Bench(NamedTuple):
    """What every look at a generator uses: latent vectors, their labels, held-out and training images of these."""

    z: Latents
    labels: Labels
    held_out: Bytes
    trained_on: Bytes
    yardstick: Yardstick  # the held-out images


def pool_of(gan: Gan, train: Samples) -> Pool:
    """Sort the training images by label."""
    labels = gan.labels_of(train.rows).cpu()
    return Pool(train.images, labels.argsort(stable=True), labels.bincount())


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
    known = pool.draw(labels[chosen].cpu(), torch.Generator().manual_seed(0))
    return Bench(z, labels[chosen], val.images[chosen], known, Yardstick(val.images[chosen]))


def dequantised(images: Bytes, seed: int) -> Images:
    """Spread each grey level over its interval, so that the discriminator cannot see the grid of 8 bits."""
    rng = torch.Generator(images.device).manual_seed(seed)
    noise = torch.rand(images.shape, generator=rng, device=images.device)
    return (images.float() + noise) / 256
