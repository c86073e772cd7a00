"""8 bits: what an attacker can send, and what is judged."""

from __future__ import annotations

import torch

from robustgan.interfaces import L2, Linf
from robustgan.tensors import Bytes, Images

SLACK = 1e-3  # grey levels: float noise below a whole level must not cost the level
TOLERANCE = 1e-6  # on the [0, 1] scale, when a budget is checked


def to_float(images: Bytes) -> Images:
    """8-bit images on the [0, 1] scale."""
    return images.float() / 255


def to_8_bit(clean: Bytes, x_adv: Images, threat: object) -> Bytes:
    """Quantise the change towards zero, so that the written image never leaves the budget.

    Rounding to the nearest level breaks an L2 budget and plain truncation loses a level to float noise: a change within
    `SLACK` of a whole level counts as that level, unless the image would then be too far away. Without a budget the
    nearest level is taken.
    """
    if not isinstance(threat, Linf | L2):
        return (x_adv * 255).round().clamp(0, 255).to(torch.uint8)
    change = x_adv * 255 - clean.float()
    loose, strict = ((change.abs() + slack).floor() * change.sign() for slack in (SLACK, 0.0))
    over = threat.distance(to_float(clean), (clean.float() + loose) / 255) > threat.eps + TOLERANCE
    return (clean.float() + torch.where(over.view(-1, 1, 1, 1), strict, loose)).clamp(0, 255).to(torch.uint8)
