import pytest
import torch

from robustgan.gan.quality import Yardstick, features, filters, variety


def tissue(seed: int, n: int = 48, blobs: float = 0.1, side: int = 32) -> torch.Tensor:
    """Pink images with dark blobs: enough texture for a distance to see."""
    rng = torch.Generator().manual_seed(seed)
    dark = (torch.rand(n, 1, side // 4, side // 4, generator=rng) < blobs).float()
    dark = torch.nn.functional.interpolate(dark, scale_factor=4)
    pink = torch.tensor([230.0, 170.0, 210.0]).view(1, 3, 1, 1)
    noise = 10 * torch.randn(n, 3, side, side, generator=rng)
    return (pink - 90 * dark + noise).clamp(0, 255).to(torch.uint8)


def test_the_filters_do_not_see_plain_colour() -> None:
    assert torch.allclose(filters().sum((2, 3)), torch.zeros(8, 1), atol=1e-6)


def test_features_of_an_image_depend_on_it_alone() -> None:
    images = tissue(0, 6)
    assert torch.allclose(features(images, 4)[5], features(images[5:])[0], atol=1e-5)


@pytest.mark.parametrize("side", [16, 48])
def test_features_are_finite_at_every_size(side: int) -> None:
    assert torch.isfinite(features(tissue(0, 4, side=side))).all()
    assert torch.isfinite(features(torch.zeros(2, 3, side, side, dtype=torch.uint8))).all()


def test_the_distance_is_about_zero_for_the_same_tissue_and_grows_with_the_difference() -> None:
    yardstick = Yardstick(tissue(0))
    same, denser, densest = (yardstick.distance(tissue(1, blobs=share)) for share in (0.1, 0.2, 0.5))
    assert abs(same) < 0.1 * denser
    assert denser < densest


def test_identical_images_have_no_variety() -> None:
    yardstick = Yardstick(tissue(0))
    copies = tissue(1)[:1].expand(16, 3, 32, 32)
    assert variety(yardstick.scale(features(copies))) < 0.05 * variety(yardstick.real)


def test_variety_is_the_mean_distance_of_pairs() -> None:
    assert variety(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])) == pytest.approx(10 / 3)
