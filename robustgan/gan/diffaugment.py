"""Augmentation that gradients pass through: the same changes of the real and of the generated images.

Only changes that leave H&E plausible: small shifts, cut-out squares and stain jitter; never a rotated hue.

Source:
    Zhao, Liu, Lin, Zhu, Han, NeurIPS 2020 (DiffAugment); Tellez et al., TMI 2018 (`augment.stain`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from robustgan.augment import stain
from robustgan.shapes import Int
from robustgan.tensors import Images

SHIFT = 1 / 8  # largest shift, as a share of the side
HOLE = 1 / 4  # side of the cut-out square, as a share of the side
STAIN = 0.05  # half-width of the random stain strength and shift
GREY = 0.5  # what fills the hole


def diffaugment(x: Images, seed: int, chance: float) -> Images:
    """Shift, cut out and jitter the stain, each image and change with probability `chance`.

    The same seed draws the same changes: call it with one seed for real and generated images.
    """
    rng = torch.Generator().manual_seed(seed)
    n, side = len(x), x.shape[-1]
    on = (torch.rand(3, n, generator=rng) < chance).to(x.device)
    reach = int(side * SHIFT)
    shift = torch.randint(-reach, reach + 1, (2, n), generator=rng).to(x.device)
    corner = torch.randint(0, side - int(side * HOLE) + 1, (2, n), generator=rng).to(x.device)
    x = torch.where(on[0].view(-1, 1, 1, 1), stain(x, STAIN, rng), x)
    x = translate(x, shift * on[1])
    return cut_out(x, torch.where(on[2], corner, side))


def translate(x: Images, shift: Int[Tensor, "2 n"]) -> Images:
    """Move each image down and right by `shift` pixels; what comes in is the mirror image of the edge."""
    n, side = len(x), x.shape[-1]
    place = torch.arange(side, device=x.device) - shift[..., None]
    place = (side - 1) - ((side - 1) - place.abs()).abs()
    x = x.gather(2, place[0].view(n, 1, side, 1).expand_as(x))
    return x.gather(3, place[1].view(n, 1, 1, side).expand_as(x))


def cut_out(x: Images, corner: Int[Tensor, "2 n"]) -> Images:
    """Fill one square an image with grey, from its upper left `corner`; a corner outside leaves it whole."""
    side = x.shape[-1]
    offset = torch.arange(side, device=x.device) - corner[..., None]
    inside = (offset >= 0) & (offset < int(side * HOLE))
    return x.masked_fill((inside[0].unsqueeze(2) & inside[1].unsqueeze(1)).unsqueeze(1), GREY)
