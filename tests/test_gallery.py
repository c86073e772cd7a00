"""The gallery's choice does not depend on how the images came: at once or in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from robustgan import gallery


def pictures(n: int = 60) -> gallery.Pictures:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(
        {
            "attack": "pgd", "norm": "linf", "eps": 0.1, "model": "m", "fold": 1,
            "image_id": [f"{i:064x}" for i in rng.permutation(n)], "magnification": rng.choice([40, 400], n),
            "label": rng.integers(0, 2, n), "clean_score": rng.random(n), "score": rng.random(n),
            "clean_pred": rng.integers(0, 2, n), "pred": rng.integers(0, 2, n),
        }
    )  # fmt: skip
    images = torch.arange(n, dtype=torch.uint8).view(-1, 1, 1, 1).expand(n, 3, 4, 4)
    return gallery.Pictures(rows, images, images + 100)


def test_chosen_from_parts_and_again_is_chosen_from_the_whole() -> None:
    whole = pictures()
    parts = [
        gallery.Pictures(whole.rows[i : i + 7], whole.clean[i : i + 7], whole.adversarial[i : i + 7])
        for i in range(0, 60, 7)
    ]
    expected = gallery.take(whole, 3)
    found = gallery.take(gallery.joined([gallery.take(part, 3) for part in parts]), 3)
    assert len(found.rows) == 12
    assert found.rows["image_id"].tolist() == expected.rows["image_id"].tolist()
    assert torch.equal(found.clean, expected.clean)
    assert torch.equal(found.adversarial, expected.adversarial)


def test_right_and_fooled_images_come_first() -> None:
    chosen = gallery.take(pictures(), 1).rows
    assert ((chosen["clean_pred"] == chosen["label"]) & (chosen["pred"] != chosen["label"])).all()


def test_each_row_has_its_two_files(tmp_path: Path) -> None:
    gallery.write(gallery.take(pictures(), 1), tmp_path)
    table = pd.read_csv(tmp_path / "examples.csv")
    assert all((tmp_path / name).is_file() for name in [*table["clean_png"], *table["adv_png"]])
    assert len(table) == 4


def test_no_pictures_are_no_pictures(tmp_path: Path) -> None:
    gallery.write(gallery.take(pictures(), 0), tmp_path)
    assert pd.read_csv(tmp_path / "examples.csv").empty
