"""Further features to measure generated images with: of an untrained network, and of a network from a file.

`random` needs no weights and has seen no image: it cannot prefer what some training set held. Its layers' channels are
averaged over the image, and so is how much they vary. A network from a file is named by its digest in the settings, so
that other bytes under the same name cannot pass for it. Distances on different features are different numbers: each is
to be read beside its own floor.

Source:
    Naeem, Oh, Uh, Choi, Yoo, "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020, section on
    random embeddings (they take a VGG16; this network is smaller and looks at all its layers).
"""

from __future__ import annotations

import difflib
import hashlib
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from robustgan import weights
from robustgan.errors import InputError
from robustgan.gan.quality import Features, moments
from robustgan.gan.recipe import Given
from robustgan.quantise import to_float
from robustgan.tensors import Bytes, Images

SEED = 7  # of the untrained network: another one would be another yardstick
WIDTHS = (3, 32, 64, 128, 256)


class Extractor(NamedTuple):
    """Features with the name under which tables show them."""

    name: str
    features: Callable[[Bytes], Features]


def extractors(given: Given | None, device: torch.device) -> list[Extractor]:
    """The untrained network, and the one from a file where the settings name one.

    Raises:
        InputError: the file cannot be read, is not the one that was meant, or does not fit the network.
    """
    found = [Extractor("random", partial(in_parts, untrained, 64))]
    if given is not None:
        network = from_file(given).to(device)
        found.append(Extractor(given.model, partial(in_parts, network, 32)))
    return found


def in_parts(look: Callable[[Images], Features], batch: int, images: Bytes) -> Features:
    """Features of 8-bit images, a few images at a time."""
    with torch.no_grad():
        return torch.cat([look(to_float(part)).float() for part in torch.split(images, batch)])


def untrained(x: Images) -> Features:
    """Mean and spread of every channel of every layer of a convolutional network with weights drawn by lot."""
    rng = torch.Generator().manual_seed(SEED)
    h, found = 2 * x - 1, []
    for i, out in enumerate(WIDTHS[1:]):
        kernel = torch.randn(out, WIDTHS[i], 3, 3, generator=rng) * math.sqrt(2 / (9 * WIDTHS[i]))
        h = functional.conv2d(h, kernel.to(h), stride=2 if i else 1, padding=1).relu()
        found += moments(h)
    return torch.cat(found, 1)


class Embedding(nn.Module):
    """What a network without its head says of images, enlarged (or reduced) to the size that it was made for."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, given: Given) -> None:
        super().__init__()
        self.network, self.size = network, card(network)["input_size"][1:]
        self.register_buffer("mean", torch.tensor(given.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(given.std).view(1, 3, 1, 1))

    def forward(self, x: Images) -> Features:
        """Features of images in [0, 1]."""
        sized = functional.interpolate(x, self.size, mode="bilinear", antialias=True)
        found: Features = self.network((sized - self.mean) / self.std)
        return found


def from_file(given: Given) -> nn.Module:
    """The network with its weights, without its head.

    Raises:
        InputError: see `extractors`.
    """
    if given.model not in timm.list_models():
        close = difflib.get_close_matches(given.model, timm.list_models(), n=3)
        hint = f" Did you mean {' or '.join(f'`{name}`' for name in close)}?" if close else ""
        raise InputError(f"extractor: timm {timm.__version__} has no model `{given.model}`.{hint}")
    path = given.weights.expanduser()
    check_digest(path, given.sha256)
    network: nn.Module = timm.create_model(given.model, pretrained=False, num_classes=0)
    named = card(network)["classifier"]
    heads = tuple(f"{name}." for name in (named if isinstance(named, tuple) else (named,)))
    state = {name: value for name, value in weights.read(path).items() if not name.startswith(heads)}
    weights.fill(network, state, f"extractor: {path} ({given.model} without its head)")
    return Embedding(network, given).eval().requires_grad_(False)


def check_digest(path: Path, allowed: str) -> None:
    """Refuse a file that is not the one that the settings mean."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"extractor: {path.absolute()} cannot be read: {error.strerror}. Give the path of a .safetensors file, or "
            "leave `extractor` out: two extractors need no file."
        ) from None
    if digest != allowed:
        raise InputError(
            f"extractor: {path} has the sha256 {digest}, the settings allow {allowed} alone. "
            "Get the file that is meant, or write this digest into the settings."
        )


def card(network: nn.Module) -> dict[str, Any]:
    """What timm knows of a network."""
    found: dict[str, Any] = network.pretrained_cfg  # type: ignore[assignment]
    return found
