"""What the residual network and the U-Net owe: shape, small start, no image sees another, no chequerboard."""

import pytest
import torch
from torch import nn

from robustgan.gan.resnet import ResNet, doubled
from robustgan.gan.unet import UNet

LABELS = torch.tensor([0, 1, 0, 1, 1])


@pytest.fixture(params=[ResNet, UNet])
def generator(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    made: nn.Module = request.param(8, 1)
    return made


@pytest.mark.parametrize("size", [(16, 16), (32, 48), (224, 224)])
def test_a_change_has_the_shape_of_its_image(generator: nn.Module, size: tuple[int, int]) -> None:
    assert generator(torch.rand(1, 3, *size), LABELS[:1]).shape == (1, 3, *size)


def test_training_starts_from_small_changes_because_the_last_layer_does(generator: nn.Module) -> None:
    x = torch.rand(5, 3, 32, 48)
    assert 0 < generator(x, LABELS).abs().mean() < 0.3
    weight = dict(generator.named_parameters())["head.weight"].detach()
    assert float(weight.std()) == pytest.approx(0.1 * (2 / weight[0].numel()) ** 0.5, rel=0.2)


def test_the_change_of_an_image_does_not_depend_on_its_batch(generator: nn.Module) -> None:
    x = torch.rand(5, 3, 32, 48)
    together = generator(x, LABELS)
    for i in range(5):
        torch.testing.assert_close(
            generator(x[i : i + 1], LABELS[i : i + 1]), together[i : i + 1], rtol=1e-4, atol=1e-5
        )
    torch.testing.assert_close(generator.eval()(x, LABELS), together)


def test_the_label_changes_the_change(generator: nn.Module) -> None:
    x = torch.rand(2, 3, 32, 32)
    zero, one = (generator(x, torch.full((2,), label)) for label in (0, 1))
    assert (zero - one).abs().mean() > 0.1 * zero.abs().mean()


def test_there_is_no_transposed_convolution_and_no_batch_norm(generator: nn.Module) -> None:
    assert not {type(m) for m in generator.modules()} & {nn.BatchNorm2d, nn.ConvTranspose2d, nn.Dropout}


def test_every_parameter_learns(generator: nn.Module) -> None:
    generator(torch.rand(2, 3, 32, 32), torch.tensor([0, 1])).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in generator.parameters())


def test_a_plane_stays_a_plane_when_doubled() -> None:
    torch.testing.assert_close(doubled(torch.full((1, 2, 3, 5), 0.7)), torch.full((1, 2, 6, 10), 0.7))
