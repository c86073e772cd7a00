"""What survives saving, held against files and closed forms."""

import numpy as np
import pytest
import torch
from torch import nn

from robustgan.batches import Room
from robustgan.interfaces import Samples
from robustgan.operating import Placed
from robustgan.survival import saved, similarity, stain_shift, survival
from tests.conftest import Linear


def test_png_keeps_every_byte_and_jpeg_does_not(samples: Samples) -> None:
    assert torch.equal(saved(samples.images, "PNG"), samples.images)
    smooth = (samples.images // 16 + 100).to(torch.uint8)
    jpeg = saved(smooth, "JPEG", quality=90, subsampling=0)
    assert not torch.equal(jpeg, smooth)
    assert (jpeg.int() - smooth.int()).abs().float().mean() < 5


def test_a_change_that_jpeg_rounds_away_does_not_survive(samples: Samples) -> None:
    grey = torch.full((6, 3, 16, 16), 128, dtype=torch.uint8)
    chequered = ((torch.arange(16)[:, None] + torch.arange(16)[None, :]) % 2).to(torch.uint8)
    written = grey + chequered  # one grey level at the highest frequency: JPEG's quantisation takes it away
    sensitive = Linear((chequered.float() * 2 - 1).expand(3, 16, 16) * 255, bias=-100.0).eval()
    rows = survival(sensitive, grey, written, Room(4))
    assert rows["png_pred"].tolist() == [1] * 6
    assert rows["jpeg_pred"].tolist() == [0] * 6


def test_nothing_changed(linear: Linear, samples: Samples) -> None:
    rows = survival(linear, samples.images, samples.images, Room(5))
    assert len(rows) == 24
    np.testing.assert_allclose(rows["ssim"], 1, atol=1e-5)
    assert (rows["stain"] == 0).all()


def test_labels_are_those_of_the_operating_point(linear: Linear, samples: Samples) -> None:
    strict = survival(Placed(linear, 0.999), samples.images, samples.images, Room(24))
    lax = survival(Placed(linear, 0.001), samples.images, samples.images, Room(24))
    assert strict["png_pred"].sum() < lax["png_pred"].sum()


def test_similarity_falls_with_the_change_and_does_not_depend_on_the_batch(samples: Samples) -> None:
    near = (samples.images.int() + 2).clamp(0, 255).to(torch.uint8)
    far = samples.images.flip(-1)
    assert (similarity(samples.images, near, Room(24)) > 0.95).all()
    assert (similarity(samples.images, far, Room(24)) < 0.5).all()
    torch.testing.assert_close(similarity(samples.images, far, Room(24)), similarity(samples.images, far, Room(7)))


def test_stain_shift_is_the_density_that_was_added() -> None:
    basis = nn.functional.normalize(torch.tensor([0.65, 0.70, 0.29]), dim=0)  # haematoxylin
    clean = torch.full((1, 3, 8, 8), 200, dtype=torch.uint8)
    density = -(torch.tensor(200 / 255).log10()) + 0.1 * basis
    darker = (10**-density * 255).round().to(torch.uint8).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    assert float(stain_shift(clean, darker, Room(2))) == pytest.approx(0.1, abs=0.01)
