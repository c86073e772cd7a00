"""Images of a trained GAN, as an attacker could send them, and what its discriminator thinks of images."""

from __future__ import annotations

import torch

from robustgan.draws import normal, seed_of
from robustgan.gan.conditional import Blend, Gan, Latents
from robustgan.quantise import to_float
from robustgan.tensors import Bytes, Images, Labels, Scores


def paint(gan: Gan, z: Latents, labels: Labels | Blend, batch: int = 256) -> Bytes:
    """8-bit images of the averaged generator; each depends on its own latent vector and label (or blend) alone."""
    gan.eval()
    with torch.no_grad():
        parts = zip(torch.split(z, batch), torch.split(labels, batch), strict=True)
        return torch.cat([(gan.generator(some, ys) * 255).round().to(torch.uint8) for some, ys in parts])


def starts(gan: Gan, count: int, seed: int) -> tuple[Labels, Latents]:
    """`count` latent vectors a label, each from a seed of its own."""
    cells = gan.labels()
    seeds = [seed_of("dcgan", seed, *cell, i) for cell in cells for i in range(count)]
    labels = torch.arange(len(cells)).repeat_interleave(count).to(gan.cells.device)
    return labels, normal(seeds, (gan.generator.latent,), gan.cells.device)


def rounded(x: Images) -> Images:
    """The nearest 8-bit image, on the [0, 1] scale; gradients pass as if nothing had been rounded."""
    return x + ((x * 255).round() / 255 - x).detach()


def opinion(gan: Gan, images: Bytes, labels: Labels, batch: int = 256) -> Scores:
    """How real the discriminator finds 8-bit images."""
    gan.eval()
    with torch.no_grad():
        parts = zip(torch.split(images, batch), torch.split(labels, batch), strict=True)
        return torch.cat([gan.discriminator(to_float(some), ys) for some, ys in parts])
