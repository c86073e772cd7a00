"""Frozen models: the classifier must be the same before and after an attack; its bytes prove it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from robustgan.errors import RunError


@contextmanager
def frozen(model: nn.Module) -> Iterator[nn.Module]:
    """Hold a model in eval mode without parameter gradients, and prove afterwards that nothing in it changed.

    Raises:
        RunError: a parameter or buffer is not what it was.
    """
    before = weights_digest(model)
    modes = [(module, module.training) for module in model.modules()]
    wanted = [(p, p.requires_grad) for p in model.parameters()]
    model.eval().requires_grad_(False)
    try:
        yield model
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter, grad in wanted:
            parameter.requires_grad_(grad)
    if weights_digest(model) != before:
        raise RunError(f"the weights of {type(model).__name__} changed while they had to stay frozen.")


def weights_digest(model: nn.Module) -> str:
    """sha256 over names, shapes, dtypes and bytes of all parameters and buffers, unsaved buffers too."""
    total = hashlib.sha256()
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        total.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        total.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
