"""Files to pixels: check what a file claims, decode it once, bring it to one size.

Only 8-bit RGB is accepted: how anything else becomes RGB is a decision about the data that belongs to its
owner.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError

from robustgan.errors import InputError, RunError
from robustgan.journal import Tick
from robustgan.shapes import UInt8

FORMATS = ("PNG", "JPEG", "TIFF")
MAX_PIXELS = 64_000_000  # of one image; more is refused from the header, before anything is decoded
MAX_BYTES = 4 * MAX_PIXELS  # of one file: no honest 8-bit RGB image of MAX_PIXELS is larger
CONVERT = "`magick IN -background white -alpha remove -colorspace sRGB -depth 8 PNG24:OUT.png` makes one"
AHEAD = 64  # images decoded ahead of the writer, so that memory stays flat

Picture = UInt8[np.ndarray, "h w 3"]
Item = TypeVar("Item")
Result = TypeVar("Result")


@runtime_checkable
class Rule(Protocol):
    """How an image reaches the common size (`experiment.Pixels`)."""

    @property
    def size(self) -> int:
        """Side of the square, in pixels."""

    @property
    def fit(self) -> Literal["crop", "pad", "stretch"]:
        """What happens to what is not square."""


class Inspected(NamedTuple):
    """What a file turned out to hold."""

    image_id: str  # sha256 of the file's bytes
    width: int
    height: int
    pixels: str  # sha256 of the decoded pixels with their shape: equal for two encodings of one image


# ---------------------------------------------------------------------------------------------------- reading


def inspect(path: Path) -> Inspected:
    """Read and decode a whole file, and say what it holds.

    Raises:
        InputError: the file is missing, corrupt, truncated, too large, or not 8-bit RGB.
    """
    data = _bytes(path)
    image = _decoded(data, path)
    pixels = hashlib.sha256(f"{image.width}x{image.height}:".encode() + image.tobytes()).hexdigest()
    return Inspected(hashlib.sha256(data).hexdigest(), image.width, image.height, pixels)


def measure(path: Path) -> tuple[int, int]:
    """Width and height of an image whose header, mode and every byte have been checked.

    Raises:
        InputError: as `inspect`.
    """
    found = inspect(path)
    return found.width, found.height


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: found {path.stat().st_size:,} bytes, allowed are {MAX_BYTES:,}.")
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}.") from None


def _decoded(data: bytes, path: Path) -> Image.Image:
    """Decode bytes that came from `path`, after checking what their header claims."""
    depth = _check_png_header(data, path)
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_header(opened, depth, path)
        opened.verify()  # checksums; the image must be opened again afterwards
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        image.load()
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{path}: not an image that can be read; allowed are {', '.join(FORMATS)}.") from None
    except Exception as error:  # whatever a decoder trips over in corrupt bytes, the file is what must be mended
        raise InputError(f"{path}: corrupt or truncated image ({type(error).__name__}: {error}).") from None
    return image


def _check_png_header(data: bytes, path: Path) -> int:
    """Refuse a huge PNG by its header, return its bits a channel (Pillow reads 16-bit RGB as 8-bit)."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 26:
        return 8
    width, height, depth = struct.unpack(">IIB", data[16:25])
    _check_size(width, height, path)
    return int(depth)


def _check_header(image: Image.Image, depth: int, path: Path) -> None:
    _check_size(image.width, image.height, path)
    if image.format == "TIFF":
        depth = max(image.tag_v2.get(258, (8,)))  # type: ignore[attr-defined]  # BitsPerSample
        if image.n_frames > 1:  # type: ignore[attr-defined]
            raise InputError(f"{path}: found a TIFF of several pages, allowed is one image a file.")
    if image.mode != "RGB" or depth != 8:
        found = f"{image.mode}, 16 bits a channel" if depth == 16 else image.mode
        raise InputError(f"{path}: found mode {found}, allowed is RGB with 8 bits a channel. {CONVERT}.")


def _check_size(width: int, height: int, path: Path) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{path}: found {width} x {height} = {width * height:,} pixels, allowed are {MAX_PIXELS:,}. "
            "Cut the image into patches first."
        )


# ------------------------------------------------------------------------------------------------ to one size


def decode(root: Path, manifest: pd.DataFrame, pixels: Rule, out: Path, tick: Tick) -> None:
    """Write all images of a manifest into one uint8 .npy (n, size, size, 3), in the manifest's order.

    Images that a finding sets apart are zeros. At most `AHEAD` images are in memory at once.

    Raises:
        InputError: a file is broken, or is no longer the one that the manifest lists.
        RunError: the array cannot be written (no space, no permission).
    """
    rows = list(zip(manifest["path"], manifest["image_id"], manifest["finding"], strict=True))
    shape = (len(rows), pixels.size, pixels.size, 3)
    blank = np.zeros(shape[1:], np.uint8)

    def one(row: tuple[str, str, str]) -> Picture:
        path, image_id, finding = row
        return blank if finding else fit(_listed(root / path, image_id), pixels)

    try:
        with out.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for done, picture in enumerate(in_threads(one, rows), start=1):
                file.write(picture.tobytes())
                tick(done, len(rows), "decode images")
    except OSError as error:
        raise RunError(f"{out}: cannot be written: {error.strerror or error}.") from None


def _listed(path: Path, image_id: str) -> Image.Image:
    data = _bytes(path)
    if hashlib.sha256(data).hexdigest() != image_id:
        raise InputError(f"{path}: the file changed after it was listed. Run the command again to list it anew.")
    return _decoded(data, path)


def fit(image: Image.Image, pixels: Rule) -> Picture:
    """Bring one image to the common size by the rule that `sentence` states."""
    size, box = pixels.size, (0.0, 0.0, float(image.width), float(image.height))
    inner = (size, size)
    if pixels.fit == "crop":
        side = min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        box = (left, top, left + side, top + side)
    elif pixels.fit == "pad":
        scale = size / max(image.size)
        inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    resized = image.resize(inner, Image.Resampling.LANCZOS, box)
    square = Image.new("RGB", (size, size), (255, 255, 255))
    square.paste(resized, ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return np.asarray(square)


def sentence(pixels: Rule) -> str:
    """The rule of `fit` in words, for the report."""
    shape = {
        "crop": "the central square with the short side as its side is resized",
        "pad": "the whole image is resized until its long side fits, and centred on white",
        "stretch": "the whole image is resized to a square, whatever its proportions",
    }[pixels.fit]
    return f"Every image is brought to {pixels.size} x {pixels.size} pixels: {shape} (Lanczos, antialiased)."


def to_png(picture: Picture, path: Path) -> None:
    """Write an 8-bit RGB picture without loss."""
    Image.fromarray(picture).save(path, format="PNG")


# ---------------------------------------------------------------------------------------------------- threads


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Results in the order of `items`; decoding and hashing leave Python's lock, so threads are enough."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(items), AHEAD):
            yield from pool.map(function, items[start : start + AHEAD])
