"""Networks whose weights stand in a file of their own format: they carry its digest, and batches as it wants them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import nn

from robustgan.errors import InputError
from robustgan.tensors import Images, Tensor


class Sealed(nn.Module):
    """A network that was read from a file: the weights that a run keeps must come from the same file.

    The digest is a buffer, so it is saved with the weights and it counts in their digest.
    """

    sha256: Tensor

    def __init__(self, sha256: str) -> None:
        super().__init__()
        self.register_buffer("sha256", torch.tensor(list(bytes.fromhex(sha256)), dtype=torch.uint8))

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        kept = state_dict.get(f"{prefix}sha256")
        if kept is not None and not torch.equal(kept.cpu(), self.sha256.cpu()):
            raise InputError(
                "weights: the model's file is not the one that this run began with: its sha256 is "
                f"{_hex(self.sha256)[:12]}, was {_hex(kept)[:12]}. Run again: what depends on it is redone."
            )
        cast(Any, super())._load_from_state_dict(state_dict, prefix, *rest)


def check_size(shape: tuple[int | None, ...], x: Images, what: str) -> None:
    """Refuse images that a network of a fixed input shape cannot take; None stands for any size.

    Raises:
        InputError: the shape is none of images, or other than that of `x`.
    """
    if len(shape) != 4 or shape[1] not in (3, None):
        raise InputError(f"{what}: its input has the shape {list(shape)}; expected is images x 3 x height x width.")
    if any(side not in (None, found) for side, found in zip(shape[2:], x.shape[2:], strict=True)):
        wanted = " x ".join("any" if side is None else str(side) for side in shape[2:])
        found = " x ".join(str(side) for side in x.shape[2:])
        raise InputError(f"{what}: it takes images of {wanted} pixels and got {found}. Set `pixels.size`.")


def in_batches(run: Callable[[Tensor], Any], x: Images, batch: int | None) -> Any:
    """Outputs for any number of images, from a network that takes exactly `batch` at once (None: any number).

    The last batch is filled up with copies of the last image, whose outputs are dropped.
    """
    if batch is None or len(x) == batch:
        return run(x)
    parts = []
    for part in torch.split(x, batch):
        filler = part[-1:].expand(batch - len(part), *part.shape[1:])
        parts.append(run(torch.cat([part, filler]))[: len(part)])
    return torch.cat(parts)


def _hex(sha256: Tensor) -> str:
    return bytes(sha256.tolist()).hex()
