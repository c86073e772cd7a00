import pytest
import torch
from torch import nn

from robustgan.gan.image_to_image import Generator, PatchDiscriminator


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(5, 3, 32, 48, generator=torch.Generator().manual_seed(0))


def made(width: int = 8, blocks: int = 1, tile: int = 4) -> Generator:
    torch.manual_seed(0)
    return Generator(width, blocks, tile)


@pytest.mark.parametrize("tile", [1, 2, 4, 8])
def test_a_change_has_the_shape_of_its_image(images: torch.Tensor, tile: int) -> None:
    assert made(tile=tile)(images, torch.tensor([0, 1, 0, 1, 1])).shape == images.shape


def test_training_starts_from_small_changes(images: torch.Tensor) -> None:
    assert made()(images, torch.zeros(5, dtype=torch.int64)).abs().mean() < 0.3


def test_the_change_of_an_image_does_not_depend_on_its_batch(images: torch.Tensor) -> None:
    generator, labels = made(), torch.tensor([0, 1, 0, 1, 1])
    together = generator(images, labels)
    for i in range(5):
        alone = generator(images[i : i + 1], labels[i : i + 1])
        torch.testing.assert_close(alone, together[i : i + 1], rtol=1e-4, atol=1e-5)
    generator.eval()
    torch.testing.assert_close(generator(images, labels), together)  # nothing in it behaves otherwise in eval mode


def test_the_label_changes_the_change(images: torch.Tensor) -> None:
    generator = made()
    zero, one = (generator(images, torch.full((5,), label)) for label in (0, 1))
    assert (zero - one).abs().mean() > 0.1 * zero.abs().mean()


def test_the_generator_has_no_batch_norm_and_no_transposed_convolution() -> None:
    kinds = {type(module) for module in made(blocks=3).modules()}
    assert not kinds & {nn.BatchNorm2d, nn.ConvTranspose2d, nn.Dropout}


def test_every_pixel_of_a_change_gets_as_many_contributions() -> None:
    """What a transposed convolution fails at: equal weights and a flat image give a checkerboard."""
    generator = made()
    with torch.no_grad():
        for parameter in (generator.stem.convolution.weight, generator.head.weight):
            parameter.fill_(0.01)
    change = generator(torch.full((1, 3, 96, 96), 0.4), torch.tensor([1])).detach()
    inside = change[..., 40:56, 40:56]  # away from the image's edge
    torch.testing.assert_close(inside, inside[..., :1, :1].expand_as(inside))


@pytest.mark.parametrize(("size", "side"), [(16, 8), (32, 8), (48, 6), (64, 8), (224, 14)])
def test_the_discriminator_grows_deeper_with_the_image(size: int, side: int) -> None:
    assert PatchDiscriminator(4, size)(torch.rand(2, 3, size, size)).shape == (2, 1, side, side)


def test_every_layer_of_the_discriminator_is_spectrally_normalised() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(8, 48)
    for _ in range(30):
        discriminator(torch.rand(2, 3, 48, 48))
    layers = [module for module in discriminator.modules() if isinstance(module, nn.Conv2d)]
    assert len(layers) == 4
    for layer in layers:
        assert float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) == pytest.approx(1.0, abs=0.05)
