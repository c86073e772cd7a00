"""A picture that grows while a GAN trains: a row a look, a column a label, always the same latent vectors.

The rows of earlier looks are taken from the picture itself: checkpoints hold only how many there are, so a training
that resumes cuts off what came after its checkpoint and ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from robustgan.gan.sheet import GAP, INK, PAPER, TEXT
from robustgan.tensors import Bytes

SIDE = 64  # pixels; smaller images are enlarged by a whole factor to at least this
MARGIN = 90  # pixels on the left, for what is written beside a row


class Grid(NamedTuple):
    """Where things are in the picture."""

    names: Sequence[str]  # of the columns
    size: int  # of the images, in pixels

    @property
    def side(self) -> int:
        """Pixels of an image in the picture."""
        return self.size * max(1, -(-SIDE // self.size))

    @property
    def top(self) -> int:
        """Pixels above the first row; names are written one word a line."""
        return 2 * GAP + max(len(name.split()) for name in self.names) * (TEXT + 2)

    def canvas(self, rows: int) -> Image.Image:
        """A picture for so many rows, with the names of the columns."""
        width, height = MARGIN + len(self.names) * (self.side + GAP), self.top + rows * (self.side + GAP)
        picture = Image.new("RGB", (width, height), PAPER)
        pen, font = ImageDraw.Draw(picture), ImageFont.load_default(TEXT)
        for i, name in enumerate(self.names):
            pen.text((MARGIN + i * (self.side + GAP), GAP), "\n".join(name.split()), INK, font, spacing=2)
        return picture

    def place(self, row: int) -> int:
        """Pixels above a row."""
        return self.top + row * (self.side + GAP)


def append(path: Path, grid: Grid, images: Bytes, text: str, row: int) -> None:
    """Write `images`, one a column, as row number `row` of the picture; rows below it are dropped.

    Args:
        path: the picture; rows that it lacks stay blank.
        grid: where things are.
        images: one a column.
        text: what is written beside the row.
        row: from 0.
    """
    picture = grid.canvas(row + 1)
    if row and path.is_file():
        with Image.open(path) as old:
            kept = old.convert("RGB").crop((0, grid.top, picture.width, min(old.height, grid.place(row))))
        picture.paste(kept, (0, grid.top))
    top = grid.place(row)
    ImageDraw.Draw(picture).text((GAP, top), text, INK, ImageFont.load_default(TEXT), spacing=2)
    for i, image in enumerate(images.permute(0, 2, 3, 1).cpu().numpy()):
        shown = Image.fromarray(image).resize((grid.side, grid.side), Image.Resampling.NEAREST)
        picture.paste(shown, (MARGIN + i * (grid.side + GAP), top))
    partial = path.with_name(f"{path.stem}.tmp{path.suffix}")
    picture.save(partial)
    partial.replace(path)
