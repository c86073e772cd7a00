from pathlib import Path

import numpy as np
import torch
from PIL import Image

from robustgan.gan.sheet import GAP, SIDE, Row, write_sheet


def plain(n: int, value: int, side: int = 48) -> torch.Tensor:
    return torch.full((n, 3, side, side), value, dtype=torch.uint8)


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_sheet_shows_every_image_enlarged_by_a_whole_factor(tmp_path: Path) -> None:
    write_sheet([Row("benign 40X", plain(3, 100)), Row("malignant 40X", plain(2, 50))], tmp_path / "s.png")
    pixels = np.asarray(Image.open(tmp_path / "s.png"))
    assert int((pixels == 100).all(2).sum()) == 3 * 96 * 96
    assert int((pixels == 50).all(2).sum()) >= 2 * 96 * 96
    assert pixels.shape[0] == GAP + 2 * (96 + GAP)


def test_large_images_keep_their_size(tmp_path: Path) -> None:
    write_sheet([Row("x", plain(1, 100, 128))], tmp_path / "s.png")
    assert size(tmp_path / "s.png")[1] == GAP + 128 + GAP
    assert Row("x", plain(1, 0, 64)).factor == 2
    assert SIDE == 96


def test_names_and_captions_are_drawn(tmp_path: Path) -> None:
    write_sheet([Row("", plain(2, 255))], tmp_path / "blank.png")
    write_sheet([Row("benign", plain(2, 255))], tmp_path / "name.png")
    write_sheet([Row("", plain(2, 255), ["P 0.12", "P 0.98"])], tmp_path / "captions.png")
    ink = {
        name: int((np.asarray(Image.open(tmp_path / name)) < 128).sum())
        for name in ("blank.png", "name.png", "captions.png")
    }
    assert ink["blank.png"] == 0
    assert ink["name.png"] > 50
    assert ink["captions.png"] > 50


def test_a_row_without_images_says_so(tmp_path: Path) -> None:
    write_sheet([Row("benign", plain(0, 0))], tmp_path / "s.png")
    assert size(tmp_path / "s.png")[0] >= 4 * SIDE


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rows = [
        Row(
            "benign",
            torch.arange(2 * 3 * 32 * 32).remainder(251).to(torch.uint8).view(2, 3, 32, 32),
            ["a", "b"],
        )
    ]
    write_sheet(rows, tmp_path / "a.png")
    write_sheet(rows, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
