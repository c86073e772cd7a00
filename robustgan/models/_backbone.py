"""What every classifier shares: a timm network by name, and normalisation inside the model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from robustgan import weights
from robustgan.errors import InputError
from robustgan.tensors import Images, Logits, Tensor

# Mean and standard deviation of ImageNet's pixels on the [0, 1] scale: what timm's pretrained weights expect
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

SET_HERE = (
    "num_classes",
    "in_chans",
    "pretrained",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
    "checkpoint_path",
)


class Normalised(nn.Module):
    """A network that takes images in [0, 1] and normalises them itself."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.backbone = backbone

    def forward(self, x: Images) -> Logits:
        """Two logits (benign, malignant) of images in [0, 1]."""
        logits: Logits = self.backbone((x - self.mean) / self.std)
        return logits


def create(architecture: str, arguments: Mapping[str, Any], outputs: int = 2) -> nn.Module:
    """A timm network with fresh weights and so many outputs.

    Raises:
        InputError: timm does not know the architecture or an argument.
    """
    if architecture not in timm.list_models():
        close = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        hint = f" Did you mean {', '.join(f'`{name}`' for name in close)}?" if close else ""
        raise InputError(f"architecture: timm {timm.__version__} has no `{architecture}`.{hint}")
    taken = sorted(set(arguments) & set(SET_HERE))
    if taken:
        raise InputError(
            f"arguments: {', '.join(taken)} cannot be given here. "
            "robustgan sets it: outputs as `head` says, RGB, nothing downloaded."
        )
    try:
        network: nn.Module = timm.create_model(architecture, num_classes=outputs, **arguments)
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise InputError(f"arguments: timm's `{architecture}` refuses {dict(arguments)!r:.200}: {error}") from None
    return network


def download(network: nn.Module, architecture: str) -> None:
    """Put timm's pretrained weights into a network, all but its head.

    Raises:
        InputError: there are none, or their hub cannot be reached.
    """
    try:
        timm.models.load_pretrained(network, num_classes=2)
    except Exception as error:  # whatever the hub's client and its HTTP library raise
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            f"pretrained: weights of `{architecture}` could not be fetched from their hub ({reason:.200}). "
            "Get the file elsewhere and give it: `weights: /path/to/model.safetensors`, `pretrained: false`."
        ) from None


def start_from(network: nn.Module, path: Path) -> None:
    """Fill a timm network from a file; a head of another shape is left out and keeps its fresh weights.

    Raises:
        InputError: the file cannot be read, or something besides the head does not fit.
    """
    state = weights.read(path.expanduser())
    head = network.get_classifier()  # type: ignore[operator]
    prefix = next(name for name, module in network.named_modules() if module is head)
    weights.fill(network, state, str(path), [f"{prefix}.{name}" for name in head.state_dict()])
