"""What a black-box attack asked and was told, in a file beside its checkpoint: a kill loses and hides none.

A training that goes on from its checkpoint asks once more what it had asked since, and gets those answers from here.
On a GPU it may ask about other images: then the old answers are of no use, and are counted beside those bought instead.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

import torch

from robustgan.quantise import LEVELS
from robustgan.tensors import Images, Logits

HEAD = struct.Struct("<32sI")  # sha256 of the images, and how many they are; the logits follow
LOST = bytes(32)  # in place of a sha256, with no logits: so many answers are of no use any more
EACH = 8  # bytes of the logits of an image: two float32

Record = tuple[bytes, int, bytes]  # sha256, images, bytes of their logits: fewer than there should be after a kill


def digest(x: Images) -> bytes:
    """sha256 of images of whole grey levels, which is all that is ever asked about."""
    return hashlib.sha256((x.detach() * LEVELS).round().to(torch.uint8).cpu().contiguous().numpy().tobytes()).digest()


class Ledger:
    """Records of what was asked, in order; each call of the classifier is one. The file takes 8 bytes an answer."""

    def __init__(self, path: Path, place: int = 0) -> None:
        self.path, self.place = path, place  # bytes from the start of the file to the next record
        self.path.touch()

    def take(self, key: bytes) -> tuple[Logits | None, int]:
        """The next answers, if they are those about `key`, and how many answers have turned out to be of no use."""
        lost = 0
        while (record := self._read(self.place)) is not None:
            name, images, told = record
            if name not in (key, LOST) or len(told) < size(name, images):
                return None, lost + self._drop()
            self.place += HEAD.size + size(name, images)
            if name == key:
                return torch.frombuffer(bytearray(told), dtype=torch.float32).view(images, 2), lost
            lost += images
        return None, lost

    def announce(self, key: bytes, images: int) -> None:
        """Write down that images are asked about: whatever happens from here on, it may have been paid for."""
        os.truncate(self.path, min(self.place, self.path.stat().st_size))  # a kill may have left part of a head
        self._append(HEAD.pack(key, images))

    def write(self, logits: Logits) -> None:
        """Write down the answers about them."""
        self._append(logits.cpu().contiguous().numpy().tobytes())

    def _append(self, some: bytes) -> None:
        with self.path.open("ab", buffering=0) as file:  # what the system has, a kill of this process does not lose
            file.write(some)
            self.place = file.tell()

    def _read(self, place: int) -> Record | None:
        with self.path.open("rb") as file:
            file.seek(place)
            head = file.read(HEAD.size)
            if len(head) < HEAD.size:
                return None
            name, images = HEAD.unpack(head)
            return name, images, file.read(size(name, images))

    def _drop(self) -> int:
        """Put the number of all answers from here on in their place."""
        lost, place = 0, self.place
        while (record := self._read(place)) is not None:
            name, images, _ = record
            lost, place = lost + images, place + HEAD.size + size(name, images)
        partial = self.path.with_suffix(".tmp")
        partial.write_bytes(self.path.read_bytes()[: self.place] + HEAD.pack(LOST, lost))
        partial.replace(self.path)
        self.place += HEAD.size
        return lost


def size(name: bytes, images: int) -> int:
    """Bytes that follow the head of a record."""
    return 0 if name == LOST else images * EACH
