"""Random numbers that belong to an image, never to a batch.

A number drawn for an image depends on (seed, purpose, image) alone, so the last partial batch, a batch of one and any
order of the images give the same attack.
"""

import hashlib
from collections.abc import Sequence

import torch

from robustgan.shapes import Float
from robustgan.tensors import Tensor


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed that depends on every part and on nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def uniform(seeds: Sequence[int], shape: Sequence[int], device: str | torch.device = "cpu") -> Float[Tensor, "n ..."]:
    """Draw from U(0, 1), one generator per image; `shape` is that of one image. Drawn on the CPU, then moved."""
    rows = [torch.rand(tuple(shape), generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows).to(device)


def normal(seeds: Sequence[int], shape: Sequence[int], device: str | torch.device = "cpu") -> Float[Tensor, "n ..."]:
    """Draw from N(0, 1), one generator per image; `shape` is that of one image. Drawn on the CPU, then moved."""
    rows = [torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows).to(device)
