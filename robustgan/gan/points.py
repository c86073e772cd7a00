"""Where in latent space images come from, on disk: to paint what a search found needs no search, and no classifier."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file

from robustgan import weights
from robustgan.errors import InputError
from robustgan.gan.conditional import Gan, Latents
from robustgan.tensors import Labels

FILE = "searched.safetensors"  # in the folder of the stage that judged the images


class Points(NamedTuple):
    """Latent vectors, each with the label of the GAN that is painted from it."""

    z: Latents
    labels: Labels


def save(points: Points, folder: Path) -> None:
    """Write the points; equal points give equal bytes."""
    save_file({name: value.detach().cpu().contiguous() for name, value in points._asdict().items()}, folder / FILE)


def load(folder: Path, gan: Gan) -> Points | None:
    """The points that `save` wrote, on the generator's device; None where there is no file.

    Raises:
        InputError: the file is broken, or is of another generator.
    """
    path = folder / FILE
    if not path.exists():
        return None
    found = weights.read(path)
    z, labels = found.get("z"), found.get("labels")
    if z is None or labels is None or z.shape != (len(labels), gan.generator.latent) or not torch.isfinite(z).all():
        raise InputError(f"{path}: found no finite `z` of {gan.generator.latent} numbers for each of `labels`.")
    last = len(gan.labels()) - 1
    if labels.dtype != torch.int64 or not ((labels >= 0) & (labels <= last)).all():
        raise InputError(f"{path}: found labels that this generator does not have; allowed are 0 to {last}.")
    return Points(z.to(gan.cells.device), labels.to(gan.cells.device))
