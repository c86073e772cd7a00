"""Random changes of images that do not change their label: symmetries of the square, and stain.

Random numbers are drawn on the CPU, so that every device sees the same ones; pixels stay where they are.
Both functions let gradients through, for the generators that look at their images through them.
"""

from __future__ import annotations

import itertools
import math
from typing import TypeVar

import torch
from torch.nn import functional

from robustgan.shapes import Float
from robustgan.tensors import Bytes, Images, Rng, Tensor

Turned = TypeVar("Turned", Images, Bytes)

# Optical densities in red, green and blue of haematoxylin, eosin and DAB: the basis that HED jitter works in.
# Source: Ruifrok, Johnston, Anal. Quant. Cytol. Histol. 23(4):291-299, 2001, table 1 as widely reprinted.
HED = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))

DARKEST = 1e-4  # intensity below which optical density is not followed: the logarithm has no value at 0


def dihedral(x: Turned, rng: Rng) -> Turned:
    """Turn and mirror each image by one of the 8 symmetries of the square (4 where h is not w), at random.

    Images of the same symmetry go together, each copied once: beside a small network every copy of a batch counts.
    """
    turned, square = x.clone(), x.shape[-1] == x.shape[-2]
    columns, rows, swapped = torch.randint(0, 2, (3, len(x)), generator=rng).bool()
    for mirror, flip, swap in list(itertools.product((False, True), repeat=3))[1:]:
        chosen = ((columns == mirror) & (rows == flip) & (swapped == swap)).nonzero().flatten().to(x.device)
        some = x.index_select(0, chosen).flip([side for side, go in ((-1, mirror), (-2, flip)) if go])
        turned.index_copy_(0, chosen, some.transpose(-1, -2) if swap and square else some)
    return turned


def stain(x: Images, strength: float, rng: Rng) -> Images:
    """Vary the haematoxylin, the eosin and the rest of each image, as another laboratory's staining would.

    Each stain's decadic optical density s becomes `a * s + b`, with a from U(1 - strength, 1 + strength) and
    b from U(-strength, strength), drawn anew for each image and stain; the result is cut to [0, 1].

    Source: Tellez et al., IEEE TMI 37(9):2126-2136, 2018, section III-C.
    """
    with torch.autocast(x.device.type, enabled=False):  # half precision would be seen as banding
        scale, offset = (2 * torch.rand(2, len(x), 3, generator=rng) - 1) * strength
        basis = functional.normalize(torch.tensor(HED), dim=1)  # rows: stains
        mix = torch.linalg.inv(basis) @ ((1 + scale).unsqueeze(-1) * basis)  # row vectors: densities in, out
        density = x.float().clamp_min(DARKEST).log2_().neg_()  # powers of 2 are computed sooner than those of 10
        changed = recolour(density, mix.to(x.device), (offset @ basis).to(x.device) * math.log2(10))
        return changed.clamp_min_(0).neg_().exp2_().to(x.dtype)  # no density below 0: no intensity above 1


def recolour(density: Images, mix: Float[Tensor, "n 3 3"], shift: Float[Tensor, "n 3"]) -> Images:
    """Multiply the colour of every pixel by its image's matrix and add its image's shift."""
    changed = torch.baddbmm(shift.unsqueeze(-1), mix.transpose(1, 2), density.flatten(2))
    return changed.view_as(density)
