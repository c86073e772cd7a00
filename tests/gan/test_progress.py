"""The picture that grows: rows stay, rows after a checkpoint go."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from robustgan.gan.progress import MARGIN, Grid, append

GRID = Grid(["benign 40X", "malignant lobular carcinoma 40X"], 16)


def pictures(level: int) -> torch.Tensor:
    return torch.full((2, 3, 16, 16), level, dtype=torch.uint8)


def grown(path: Path, rows: int) -> Path:
    for row in range(rows):
        append(path, GRID, pictures(40 * row), f"step {row}", row)
    return path


def levels(path: Path) -> list[int]:
    """Grey level of the first image of every row."""
    pixels = np.asarray(Image.open(path))
    rows = (pixels.shape[0] - GRID.top) // (GRID.place(1) - GRID.place(0))
    return [int(pixels[GRID.place(row) + 5, MARGIN + 5, 0]) for row in range(rows)]


def test_every_look_adds_a_row_and_leaves_the_others(tmp_path: Path) -> None:
    assert levels(grown(tmp_path / "a.png", 4)) == [0, 40, 80, 120]
    assert np.asarray(Image.open(tmp_path / "a.png")).shape[1] == MARGIN + 2 * (64 + 4)


@pytest.mark.parametrize("back", [0, 1, 3])
def test_a_training_that_goes_back_ends_with_the_same_bytes(tmp_path: Path, back: int) -> None:
    straight, killed = grown(tmp_path / "a.png", 4), grown(tmp_path / "b.png", 4)
    for row in range(back, 4):
        append(killed, GRID, pictures(40 * row), f"step {row}", row)
    assert killed.read_bytes() == straight.read_bytes()


def test_rows_that_are_lost_stay_blank(tmp_path: Path) -> None:
    append(tmp_path / "a.png", GRID, pictures(80), "step 2", 2)
    assert levels(tmp_path / "a.png") == [255, 255, 80]


def test_names_are_above_their_columns_and_text_beside_the_rows(tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(grown(tmp_path / "a.png", 1)))
    names = pixels[: GRID.top, MARGIN:]
    assert (names[:, : GRID.side] < 128).any()
    assert (names[:, GRID.side :] < 128).sum() > (names[:, : GRID.side] < 128).sum()
    assert (pixels[GRID.top :, :MARGIN] < 128).any()
