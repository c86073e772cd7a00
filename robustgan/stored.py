"""Images that stay in the file of the decoded pixels, and are read a batch at a time.

A side of a fold that is small is held on the device. A larger one is `Stored`: it answers to what attacks, trainings
and the harness ask of a tensor of images (length, shape, device, some of its rows, `torch.split`), and holds nothing.
So memory does not grow with the number of images.
"""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from robustgan.errors import RunError
from robustgan.interfaces import Samples
from robustgan.shapes import Int
from robustgan.tensors import Bytes, Tensor

RESIDENT = 2**25  # bytes of images that are held in main memory at most: reading them again costs next to nothing
PART = 2**22  # bytes of images that are attacked (whole batches) before what came of them is put together
SHARE = 4  # a GPU's free memory divided by this is what images may take there
AT_ONCE = 256  # images that are copied at a time


class Stored:
    """Some rows of a uint8 .npy file (n, h, w, 3), as images (n, 3, h, w) on a device."""

    dtype = torch.uint8

    def __init__(self, path: Path, rows: Int[np.ndarray, " n"], device: torch.device) -> None:
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            (_, *self.side), _, _ = np.lib.format.read_array_header_1_0(file)  # height, width, channels
            self.file, self.first = os.dup(file.fileno()), file.tell()
        weakref.finalize(self, os.close, self.file)
        self.path, self.rows, self.device = path, rows, device

    def __len__(self) -> int:
        """Number of images."""
        return len(self.rows)

    @property
    def shape(self) -> torch.Size:
        """Images, channels, height, width."""
        height, width, channels = self.side
        return torch.Size((len(self), channels, height, width))

    def __getitem__(self, index: Any) -> Tensor:
        """Read the images that a number, a slice, a mask, or row numbers stand for."""
        places = self.rows[index.cpu().numpy() if isinstance(index, torch.Tensor) else index]
        pixels = np.empty((*places.shape, *self.side), np.uint8)
        for place, image in zip(places.flat, pixels.reshape(-1, *self.side), strict=True):
            self._read(int(place), image)
        return torch.from_numpy(pixels).movedim(-1, -3).contiguous().to(self.device)

    def _read(self, place: int, image: np.ndarray) -> None:
        """Read one image into its place; the pages of a mapped file would count as this process's memory.

        Raises:
            RunError: the file ends before it.
        """
        if os.preadv(self.file, [image.data], self.first + place * image.nbytes) != image.nbytes:
            raise RunError(f"{self.path}: the file is shorter than it says. Remove its folder and run again.")

    def split(self, size: int, dim: int = 0) -> Iterator[Tensor]:
        """Read so many images at a time, in order (`torch.split` calls this)."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def whole(self) -> Tensor:
        """Read all images, never holding them twice."""
        images = torch.empty(self.shape, dtype=self.dtype, device=self.device)
        for part in torch.split(torch.arange(len(self)), AT_ONCE):
            images[part[0] : part[-1] + 1] = self[part]
        return images


def images_at(path: Path, rows: Int[np.ndarray, " n"], device: torch.device) -> Bytes:
    """Some images of the decoded pixels: a tensor where there is room for them, else `Stored`, which acts as one."""
    found = Stored(path, rows, device)
    room = torch.cuda.mem_get_info(device)[0] // SHARE if device.type == "cuda" else RESIDENT
    return found.whole() if found.shape.numel() <= room else cast(Tensor, found)


def parts(samples: Samples, batch: int) -> Iterator[tuple[int, Samples]]:
    """Samples in parts of whole batches that are held in memory one at a time, each with the number of its first."""
    each = math.ceil(PART / samples.images.shape[1:].numel() / batch) * batch
    for first in range(0, len(samples), each):
        part = slice(first, first + each)
        yield first, Samples(samples.images[part], samples.labels[part], samples.rows.iloc[part].reset_index(drop=True))


def ahead(images: Bytes, batches: Iterable[Tensor]) -> Iterator[tuple[Tensor, Bytes]]:
    """Row numbers and images of each batch, on the images' device; a thread reads the next batch meanwhile."""
    source: Stored | Tensor = cast(Any, images)
    if not isinstance(source, Stored):
        yield from ((index, source[index]) for index in (rows.to(source.device) for rows in batches))
        return
    with ThreadPoolExecutor(1) as reader:
        coming: tuple[Tensor, Future[Tensor]] | None = None
        for rows in batches:
            last = coming
            coming = rows.to(source.device), reader.submit(source.__getitem__, rows)
            if last:
                yield last[0], last[1].result()
        if coming:
            yield coming[0], coming[1].result()
