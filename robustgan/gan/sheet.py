"""Contact sheets: rows of small images with a name beside each row and a caption under each image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from robustgan.tensors import Bytes

GAP = 4  # pixels between images
SIDE = 96  # pixels; smaller images are enlarged by a whole factor to at least this
TEXT = 12  # pixels, height of the letters
INK, PAPER = (20, 20, 20), (255, 255, 255)


Colour = tuple[int, int, int]


class Row(NamedTuple):
    """One row of a sheet."""

    name: str
    images: Bytes
    captions: Sequence[str] = ()  # one an image, or none
    bars: Sequence[tuple[Colour | None, Colour | None]] = ()  # before each image, beside its upper and lower half

    @property
    def factor(self) -> int:
        """How many times the images are enlarged."""
        return max(1, -(-SIDE // self.images.shape[-1]))

    @property
    def height(self) -> int:
        """Pixels from the top of this row to the top of the next."""
        if not len(self.images):
            return TEXT + 2 * GAP
        return self.images.shape[-2] * self.factor + GAP + (TEXT + GAP if self.captions else 0)


def write_sheet(rows: Sequence[Row], path: Path, title: str = "") -> None:
    """Write the rows as one PNG: the name on the left, then the images; the title above all."""
    font = ImageFont.load_default(TEXT)
    margin = 2 * GAP + max(int(font.getlength(row.name)) for row in rows)
    width = margin + max(len(row.images) * (row.images.shape[-1] * row.factor + GAP) for row in rows)
    width = max(width, 4 * SIDE, 2 * GAP + int(font.getlength(title)))
    top = GAP + (TEXT + 2 * GAP if title else 0)
    sheet = Image.new("RGB", (width, top + sum(row.height for row in rows)), PAPER)
    ImageDraw.Draw(sheet).text((GAP, GAP), title, INK, font)
    for row in rows:
        draw_row(sheet, row, (margin, top), font)
        top += row.height
    sheet.save(path, optimize=True)


def draw_row(
    sheet: Image.Image, row: Row, corner: tuple[int, int], font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> None:
    """Draw one row with the upper left corner of its first image at `corner`."""
    pen = ImageDraw.Draw(sheet)
    left, top = corner
    high, wide = (side * row.factor for side in row.images.shape[-2:])
    middle = top + (high - TEXT) // 2 if len(row.images) else top
    pen.text((GAP, middle), row.name, INK, font)
    if not len(row.images):
        pen.text((left, middle), "none", INK, font)
    for i, image in enumerate(row.images.permute(0, 2, 3, 1).cpu().numpy()):
        place = (left + i * (wide + GAP), top)
        sheet.paste(Image.fromarray(image).resize((wide, high), Image.Resampling.NEAREST), place)
        for bar, half in zip(row.bars[i] if row.bars else (), (0, high // 2), strict=False):
            if bar:
                pen.rectangle((place[0] - GAP, top + half, place[0] - 1, top + half + high // 2 - 1), bar)
        if row.captions:
            pen.text((place[0], top + high + 1), row.captions[i], INK, font)
