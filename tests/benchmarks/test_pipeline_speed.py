"""The planted study has patients on one side each, and the clocks count what they are there to count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from benchmarks import pipeline_memory
from benchmarks.pipeline_speed import Clocked, Reading
from robustgan import splits


def test_no_patient_of_the_planted_study_is_on_two_sides_and_every_side_has_both_classes() -> None:
    found = pipeline_memory.folds(np.arange(1000) // 20 % 2, 32)
    splits.check_disjoint(found, False)
    assert (found.groupby("split")["label"].nunique() == 2).all()
    assert (found.groupby("group")["label"].nunique() == 1).all()


def test_the_planted_pixels_show_their_label(tmp_path: Path) -> None:
    pipeline_memory.plant(tmp_path, 60, 16)
    pixels = np.load(tmp_path / "pixels" / "pixels.npy")
    red = pixels[..., 0].mean((1, 2))
    label = np.arange(60) // 20 % 2
    assert red[label == 1].min() > red[label == 0].max()


def test_reading_is_clocked_and_gives_the_images(tmp_path: Path) -> None:
    pipeline_memory.plant(tmp_path, 60, 16)
    source = Reading(tmp_path / "pixels" / "pixels.npy", np.arange(60), torch.device("cpu"))
    clock = Clocked()
    batches = torch.split(torch.arange(60), 16)
    found = torch.cat([images for _, images in clock.ahead(source, batches)])
    assert torch.equal(found, torch.from_numpy(np.load(tmp_path / "pixels" / "pixels.npy")).permute(0, 3, 1, 2))
    assert source.seconds > 0
    assert clock.waited > 0
