"""Images on disk act like a tensor of the same images, row for row."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from robustgan import pipeline, stored
from robustgan.batches import Room
from robustgan.config import override, read_yaml
from robustgan.errors import RunError
from robustgan.experiment import experiment
from robustgan.interfaces import Samples
from robustgan.journal import silent
from robustgan.scoring import scores_of
from robustgan.shipped import config_path
from robustgan.stage import Place
from robustgan.stored import Stored, ahead, images_at
from tests.conftest import Linear

CPU = torch.device("cpu")
ROWS = np.array([8, 1, 4, 5, 0, 6, 3])


@pytest.fixture
def pixels(tmp_path: Path) -> Path:
    """Nine images of 16 x 16 pixels, as `images.decode` writes them."""
    content = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), np.uint8)
    np.save(tmp_path / "pixels.npy", content)
    return tmp_path / "pixels.npy"


@pytest.fixture
def pair(pixels: Path) -> tuple[Stored, torch.Tensor]:
    """The same images on disk and in memory."""
    return Stored(pixels, ROWS, CPU), torch.from_numpy(np.load(pixels)[ROWS]).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize(
    "index",
    [
        0, -1, slice(None), slice(2, 5), slice(6, 99), [3, 0, 3], np.array([1, 2]), torch.tensor([6, 0]),
        torch.tensor([True, False, True, False, False, False, True]), torch.tensor([], dtype=torch.long),
    ],
    ids=str,
)  # fmt: skip
def test_every_way_to_ask_for_rows_gives_what_a_tensor_gives(pair: tuple[Stored, torch.Tensor], index: Any) -> None:
    here, tensor = pair
    found = here[index]
    assert torch.equal(found, tensor[index])
    assert found.dtype == here.dtype == tensor.dtype
    assert found.is_contiguous()


def test_it_has_the_shape_and_the_parts_of_a_tensor(pair: tuple[Stored, torch.Tensor]) -> None:
    here, tensor = pair
    assert (len(here), here.shape, here.device) == (len(tensor), tensor.shape, tensor.device)
    parts: Any = torch.split(here, 3)  # type: ignore[arg-type]
    assert all(torch.equal(a, b) for a, b in zip(parts, torch.split(tensor, 3), strict=True))
    assert torch.equal(here.whole(), tensor)


def test_the_harness_takes_it(pair: tuple[Stored, torch.Tensor], linear: Linear) -> None:
    here, tensor = pair
    assert torch.equal(scores_of(linear, here, Room(3)), scores_of(linear, tensor, Room(3)))  # type: ignore[arg-type]


def test_few_images_are_held_and_many_are_not(pixels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(ROWS) * 16 * 16 * 3
    monkeypatch.setattr(stored, "RESIDENT", size)
    assert isinstance(images_at(pixels, ROWS, CPU), torch.Tensor)
    monkeypatch.setattr(stored, "RESIDENT", size - 1)
    assert isinstance(images_at(pixels, ROWS, CPU), Stored)


def test_batches_come_in_order_wherever_the_images_are(pair: tuple[Stored, torch.Tensor]) -> None:
    order = torch.split(torch.tensor([3, 1, 6, 0, 2, 4, 5]), 2)
    here, tensor = (list(ahead(images, order)) for images in pair)  # type: ignore[arg-type]
    assert [index.tolist() for index, _ in here] == [rows.tolist() for rows in order]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(here, tensor, strict=True))
    assert list(ahead(pair[0], [])) == []  # type: ignore[arg-type]


def test_what_fails_to_be_read_fails_the_training(pair: tuple[Stored, torch.Tensor]) -> None:
    with pytest.raises(IndexError):
        list(ahead(pair[0], [torch.tensor([99])]))  # type: ignore[arg-type]


def test_a_file_that_was_cut_is_named(pair: tuple[Stored, torch.Tensor], pixels: Path) -> None:
    os.truncate(pixels, pixels.stat().st_size - 1)
    assert torch.equal(pair[0][1:], pair[1][1:])
    with pytest.raises(RunError, match=r"pixels\.npy: the file is shorter than it says"):
        pair[0][0]  # the last image of the file


def test_what_is_read_is_copied_and_the_file_is_let_go(pixels: Path) -> None:
    here = Stored(pixels, ROWS, CPU)
    here.whole()
    assert str(pixels) not in Path("/proc/self/maps").read_text("utf-8")  # mapped pages count as the process's memory
    file = here.file
    assert Path(f"/proc/self/fd/{file}").readlink() == pixels
    del here
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)


def test_samples_of_it_are_samples(pair: tuple[Stored, torch.Tensor], samples: Samples) -> None:
    here, tensor = pair
    some = Samples(here, samples.labels[:7], samples.rows.iloc[:7])  # type: ignore[arg-type]
    assert torch.equal(some.images[some.labels == 1], tensor[some.labels == 1])


def test_parts_are_whole_batches_and_make_up_the_whole(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "PART", 11 * samples.images[0].numel())
    found = list(stored.parts(samples, 4))
    assert [(first, len(some)) for first, some in found] == [(0, 12), (12, 12)]
    assert torch.equal(torch.cat([some.images for _, some in found]), samples.images)
    assert [i for _, some in found for i in some.rows["image_id"]] == samples.rows["image_id"].tolist()
    assert [len(some) for _, some in stored.parts(samples, 16)] == [16, 8]  # a batch is never cut


@pytest.mark.slow
def test_where_the_images_are_changes_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = override(read_yaml(config_path("smoke")), "batch=4")
    settings |= {"oracles": [], "attacks": [settings["attacks"][i] for i in (0, 1, 6)], "transfer": False}
    plan = experiment({name: value for name, value in settings.items() if name not in ("strength", "policy")})
    for name, room in (("held", stored.RESIDENT), ("stored", 5 * 32 * 32 * 3)):
        monkeypatch.setattr(stored, "RESIDENT", room)
        monkeypatch.setattr(stored, "PART", room)
        place = Place(tmp_path / name, tmp_path)
        _, failed = pipeline.run(plan, place, "test", lambda stage, kept: silent)
        assert failed == []
    here, there = (sorted((tmp_path / name / "runs").rglob("*.*")) for name in ("held", "stored"))
    assert [path.name for path in here] == [path.name for path in there]
    compared = [(a, b) for a, b in zip(here, there, strict=True) if a.suffix in (".parquet", ".safetensors", ".png")]
    assert {"predictions.parquet", "survival.parquet", "weights.safetensors"} <= {a.name for a, _ in compared}
    assert [a for a, b in compared if a.read_bytes() != b.read_bytes()] == []
