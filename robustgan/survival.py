"""Does a fooling image survive being saved, and would anybody see the change?

What is judged is the 8-bit image. Beside it stand the same image read back from a PNG file and from a JPEG file, its
structural similarity to the original, and how far its stain moved.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torchmetrics.functional.image import structural_similarity_index_measure

from robustgan.augment import DARKEST, HED
from robustgan.batches import Room, halved
from robustgan.operating import score, threshold_of
from robustgan.quantise import to_float
from robustgan.tensors import Bytes, Labels, Scores

JPEG_QUALITY = 90  # what cameras and viewers write by default, or nearly


def survival(model: nn.Module, clean: Bytes, written: Bytes, room: Room) -> pd.DataFrame:
    """The columns of SURVIVAL that follow from the 8-bit images: verdicts after saving, and how far the change shows.

    Args:
        model: the classifier, held frozen by the caller.
        clean: the originals.
        written: the fooling images, in the same order.
        room: how many images are classified at once.
    """
    columns = {
        "png_pred": called(model, written, room, "PNG"),
        "jpeg_pred": called(model, written, room, "JPEG", quality=JPEG_QUALITY, subsampling=0),
        "ssim": similarity(clean, written, room).double(),
        "stain": stain_shift(clean, written, room).double(),
    }
    return pd.DataFrame({name: value.cpu().numpy() for name, value in columns.items()})


def called(model: nn.Module, images: Bytes, room: Room, kind: str, **options: int) -> Labels:
    """Labels that the classifier gives at its operating point to images after they were saved; a batch is held."""

    def one(part: slice) -> Scores:
        return score(model, to_float(saved(images[part], kind, **options)))

    found = torch.cat(list(halved(len(images), room, one, "saved images")))
    labels: Labels = (found >= threshold_of(model)).long()
    return labels


def saved(images: Bytes, kind: str, **options: int) -> Bytes:
    """Images after they were written as files of this kind and read again."""
    return torch.stack([_round_trip(one, kind, options) for one in images.cpu()]).to(images.device)


def _round_trip(image: torch.Tensor, kind: str, options: dict[str, int]) -> torch.Tensor:
    file = BytesIO()
    Image.fromarray(image.permute(1, 2, 0).contiguous().numpy()).save(file, kind, **options)
    with Image.open(file) as again:
        return torch.from_numpy(np.array(again.convert("RGB"))).permute(2, 0, 1)


def similarity(clean: Bytes, written: Bytes, room: Room) -> Scores:
    """Structural similarity of each image to its original; 1 where nothing changed.

    Source: Wang, Bovik, Sheikh, Simoncelli, IEEE Trans. Image Process. 13(4):600-612, 2004, with its 11x11 window.
    """

    def one(part: slice) -> Scores:
        a, b = to_float(written[part]), to_float(clean[part])
        each = structural_similarity_index_measure(a, b, data_range=1.0, reduction="none")
        return torch.as_tensor(each).reshape(-1)

    return torch.cat(list(halved(len(clean), room, one, "structural similarity")))


def stain_shift(clean: Bytes, written: Bytes, room: Room) -> Scores:
    """How far the mean haematoxylin and eosin of each image moved, in decadic optical density.

    Source: the stains' directions are those of Ruifrok, Johnston, Anal. Quant. Cytol. Histol. 23(4):291-299, 2001.
    """
    basis = functional.normalize(torch.tensor(HED), dim=1).to(clean.device)
    before, after = _density(clean, room), _density(written, room)
    moved: Scores = ((after - before) @ torch.linalg.inv(basis))[:, :2].norm(dim=1)
    return moved


def _density(images: Bytes, room: Room) -> torch.Tensor:
    """Mean decadic optical density of each channel of each image."""

    def one(part: slice) -> torch.Tensor:
        return -to_float(images[part]).clamp_min(DARKEST).log10().flatten(2).mean(2)

    return torch.cat(list(halved(len(images), room, one, "stain")))
