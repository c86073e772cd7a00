"""How close generated images come to real ones of other patients: a kernel distance (KID) on fixed features.

The features (`scatter`) are a small scattering cascade: moduli of Gabor filters of the optical density,
over four directions and three scales, averaged over the image, and the same once more on the moduli. They
are not learnt: nothing is downloaded, and neither the victim nor an oracle has a say in realism. On other
features (Inception) the distance is another number: compare `kid_scatter` only with itself and with its
floor, the distance between real images of different patients.

Source:
    Binkowski, Sutherland, Arbel, Gretton, ICLR 2018, section 3 (KID, unbiased, cubic kernel), computed by
    torchmetrics' `poly_mmd`; Bruna, Mallat, TPAMI 2013 (scattering).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics.image.kid import poly_mmd

from robustgan.quantise import to_float
from robustgan.shapes import Float
from robustgan.tensors import Bytes, Images

EXTRACTOR = "scatter"  # names the features wherever a distance is shown
DIRECTIONS = 4
SCALES = 3
SIDE = 7  # of the filters, in pixels
FAINT = 1e-2  # optical density below which contrast is noise
NEIGHBOURS = 3  # of the manifold in which an image counts as covered
HALVES = 10  # subsets from which the uncertainty of a distance is taken
BLOCKS = [3, 3, 3]  # lengths of the parts of the features: density, then first and second moduli of each scale
for _scale in range(SCALES):
    BLOCKS += [3 * DIRECTIONS, 3 * DIRECTIONS, *[3 * DIRECTIONS**2] * (SCALES - 1 - _scale)]

Features = Float[Tensor, "n d"]
Extract = Callable[[Bytes], Features]


def features(images: Bytes, batch: int = 64) -> Features:
    """Scattering features of 8-bit images; each row depends on its image alone."""
    with torch.no_grad():
        return torch.cat([scatter(to_float(part)) for part in torch.split(images, batch)])


def scatter(x: Images) -> Features:
    """Logarithms of: mean and spread of the optical density and of its filter moduli, means of moduli's moduli."""
    density = -((255 * x + 1) / 256).log()
    found = [*moments(density), (density * density.roll(1, 1)).mean((2, 3)).sqrt()]
    for scale in range(SCALES):
        first = moduli(density)
        found += moments(first)
        second = first
        for _ in range(scale + 1, SCALES):
            second = functional.avg_pool2d(second, 2)
            found.append(moduli(second).mean((2, 3)))
        density = functional.avg_pool2d(density, 2)
    return (torch.cat(found, 1) + FAINT).log()


def moments(maps: Float[Tensor, "n c h w"]) -> list[Features]:
    """Mean and standard deviation over the image, a channel."""
    return [maps.mean((2, 3)), maps.std((2, 3), correction=0)]


def moduli(maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n m h w"]:
    """Modulus of every channel's response to every filter."""
    n, c, h, w = maps.shape
    bank = filters().to(maps)
    edge = SIDE // 2 if min(h, w) > SIDE // 2 else 0
    padded = (
        functional.pad(maps.reshape(n * c, 1, h, w), [edge] * 4, "reflect") if edge else maps.reshape(n * c, 1, h, w)
    )
    real, imaginary = functional.conv2d(padded, bank, padding=0 if edge else SIDE // 2).chunk(2, 1)
    return (real**2 + imaginary**2 + 1e-12).sqrt().reshape(n, c * DIRECTIONS, h, w)


def filters() -> Float[Tensor, "f 1 k k"]:
    """Gabor filters of zero mean, real parts first: wavelength 4 pixels, envelope of 1.3 pixels."""
    axis = torch.arange(SIDE, dtype=torch.float32) - SIDE // 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    envelope = (-(x**2 + y**2) / (2 * 1.3**2)).exp()
    envelope = envelope / envelope.sum()
    parts = []
    for wave in (torch.cos, torch.sin):
        for direction in range(DIRECTIONS):
            angle = math.pi * direction / DIRECTIONS
            response = envelope * wave((x * math.cos(angle) + y * math.sin(angle)) * math.pi / 2)
            parts.append(response - envelope * response.sum())
    return torch.stack(parts).unsqueeze(1)


def turned(raw: Features) -> list[Features]:
    """Features of images as they would be after each of the 8 symmetries of the square (two by two the same).

    A symmetry only permutes the directions of the filters: mirroring swaps the two diagonals, transposing swaps
    horizontal and vertical.
    """
    views = []
    for order in ([0, 1, 2, 3], [0, 3, 2, 1], [2, 1, 0, 3], [2, 3, 0, 1]):
        parts = []
        for part in torch.split(raw, BLOCKS, 1):
            block = part
            if part.shape[1] == 3 * DIRECTIONS:
                block = part.reshape(-1, 3, DIRECTIONS)[:, :, order].flatten(1)
            elif part.shape[1] == 3 * DIRECTIONS**2:
                block = part.reshape(-1, 3, DIRECTIONS, DIRECTIONS)[:, :, order][:, :, :, order].flatten(1)
            parts.append(block)
        views.append(torch.cat(parts, 1))
    return views


class Yardstick:
    """Held-out real images to measure against, on features scaled by their own mean and spread.

    Lengths are bounded before the cubic kernel is applied: without that, a few odd images decide the distance.
    """

    def __init__(self, held_out: Bytes, extract: Extract = features) -> None:
        self.extract = extract
        self.raw = extract(held_out)
        self.mean, self.spread = self.raw.mean(0), self.raw.std(0, correction=0).clamp_min(1e-6)
        self.real = self.scale(self.raw)

    def scale(self, raw: Features) -> Features:
        """Put features on the scale of the held-out images; no root mean square exceeds 1."""
        unit = (raw - self.mean) / self.spread
        return unit / (1 + unit.square().mean(1, keepdim=True)).sqrt()

    def of(self, images: Bytes) -> Features:
        """Scaled features of images."""
        return self.scale(self.extract(images))

    def distance(self, images: Bytes) -> float:
        """Kernel distance of as many images as are held out; about 0 for the same distribution, or below."""
        return kernel_distance(self.real, self.of(images))


def kernel_distance(real: Features, made: Features) -> float:
    """Kernel distance (KID) of two sets of scaled features of the same size."""
    return float(poly_mmd(real.double(), made.double()))


def uncertainty(real: Features, made: Features) -> float:
    """Standard deviation of their kernel distance, from random halves of both (delete-half jackknife).

    Source: Shao, Wu, Annals of Statistics 17(3):1176-1197, 1989: with half of the data left out, the spread over
    subsets is the spread of the whole.
    """
    rng = torch.Generator().manual_seed(0)
    n = len(real)
    if n < 4:
        return math.inf
    halves = [torch.randperm(n, generator=rng)[: n // 2].to(real.device) for _ in range(HALVES)]
    return float(torch.tensor([kernel_distance(real[half], made[half]) for half in halves]).std())


def variety(scaled: Features) -> float:
    """Mean distance between two different images, in features."""
    n = len(scaled)
    return float(torch.cdist(scaled, scaled).sum() / (n * (n - 1)))


def twins(scaled: Features, alike: float) -> float:
    """Share of pairs of different images whose features have a cosine above `alike`."""
    unit = functional.normalize(scaled, dim=1)
    n = len(unit)
    return float((((unit @ unit.T) > alike).sum() - n) / (n * (n - 1)))


def covered(points: Features, ground: Float[Tensor, "m d"]) -> float:
    """Share of `points` that lie in the manifold of `ground`: nearer to one of it than its third neighbour is.

    Precision, where the ground is real and the points are generated; recall the other way round.

    Source: Kynkaanniemi, Karras, Laine, Lehtinen, Aila, NeurIPS 2019, equations 1 and 2, k = 3.
    """
    among = torch.cdist(ground, ground)
    radius = among.kthvalue(min(NEIGHBOURS + 1, len(ground)), 1).values  # the nearest is the image itself
    return float((torch.cdist(points, ground) <= radius).any(1).double().mean())
