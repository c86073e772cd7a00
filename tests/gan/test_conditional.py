from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from robustgan import weights
from robustgan.errors import InputError
from robustgan.gan.cells import LABELS, Cell, cell_name
from robustgan.gan.conditional import Discriminator, Doubling, Gan, Generator


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def gan(size: int = 16) -> Gan:
    torch.manual_seed(0)
    return Gan(size, (4, 4), 8, 4)


def rows(*pairs: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["label", "magnification"])


@pytest.mark.parametrize("size", [16, 48, 64, 128])
def test_images_have_the_size_that_was_asked_for_and_lie_in_the_unit_range(size: int) -> None:
    made = gan(size)
    labels = torch.tensor([0, 3, 15])
    images = made.generator(10 * draw(3, 8), labels)
    assert images.shape == (3, 3, size, size)
    assert images.min() >= 0
    assert images.max() <= 1
    assert made.discriminator(images, labels).shape == (3,)


def test_every_layer_of_the_discriminator_has_spectral_norm_one() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(32, 8)
    layers = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.Embedding)]
    assert len(layers) == 8
    for layer in layers:
        layer.parametrizations.weight.original.data.mul_(50)
    for _ in range(60):
        discriminator(torch.rand(4, 3, 32, 32), torch.tensor([0, 1, 2, 3]))
    discriminator.eval().requires_grad_(False)
    for layer in layers:
        assert parametrize.is_parametrized(layer, "weight")
        assert float(torch.linalg.matrix_norm(layer.weight.flatten(1), 2)) == pytest.approx(1.0, abs=0.02)


def test_labels_matter_to_both_networks() -> None:
    made = gan().train()
    z, images = draw(1, 8).expand(4, 8), torch.rand(1, 3, 16, 16).expand(4, 3, 16, 16)
    labels = torch.tensor([0, 1, 2, 0])
    painted, scores = made.generator(z, labels), made.eval().discriminator(images, labels)
    assert torch.equal(painted[0], painted[3])
    assert not torch.allclose(painted[0], painted[1], atol=1e-5)
    assert torch.allclose(scores[0], scores[3])
    assert abs(scores[0] - scores[1]) > 1e-4


def test_differences_between_labels_do_not_hide_that_each_label_has_collapsed() -> None:
    made = gan().train()
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    made.discriminator.spread.fill_(0)
    made.discriminator(torch.rand(2, 3, 16, 16).repeat_interleave(3, 0), labels)
    collapsed = made.discriminator.spread.max()
    made.discriminator(torch.rand(6, 3, 16, 16), labels)
    assert collapsed < 0.1 * made.discriminator.spread.max()


def test_no_label_has_a_layout_of_its_own() -> None:
    """What the first layer gives is the opposite for the opposite latent vector: nothing is the same in all images."""
    torch.manual_seed(0)
    generator = Generator(64, 4, 8, 4).eval()
    z = draw(128, 8)
    assert torch.allclose(generator.root(-z), -generator.root(z))
    inner = generator(z, torch.zeros(128, dtype=torch.int64)).mean(1)[:, 8:-8, 8:-8]  # away from the padding
    layouts = inner.flatten(1)
    layouts = nn.functional.normalize(layouts - layouts.mean(1, keepdim=True), dim=1)
    assert (layouts @ layouts.T).triu(1).sum() / (128 * 127 / 2) < 0.15


def test_gain_and_shift_belong_to_the_label() -> None:
    norm = Generator(16, 4, 8, 4).norms[0]
    norm.shift.weight.data[:, 1] = 7.0
    norm.shift.weight.data[:, 0] = 0.0
    norm.gain.weight.data[:, 1] = -1.0
    norm.gain.weight.data[:, 0] = 0.0
    vectors = torch.eye(4)[:2]  # of two labels
    out = norm(draw(6, 32, 2, 2), vectors[torch.tensor([0, 1, 0, 1, 0, 1])])
    assert torch.allclose(out[1::2], torch.tensor(7.0))
    assert out[::2].abs().max() < 7


def test_in_eval_mode_a_verdict_does_not_depend_on_the_neighbours() -> None:
    made = gan()
    images, labels = torch.rand(8, 3, 16, 16), torch.arange(8)
    made.discriminator(images, labels)  # in training mode: fills the running spread
    assert made.discriminator.spread.abs().sum() > 0
    made.eval()
    assert torch.allclose(made.discriminator(images, labels)[2:3], made.discriminator(images[2:3], labels[2:3]))


def test_in_training_mode_the_discriminator_sees_that_images_are_all_alike() -> None:
    made = gan().train()
    images, labels = torch.rand(8, 3, 16, 16), torch.zeros(8, dtype=torch.int64)
    alone = made.discriminator(images[:1].expand(8, 3, 16, 16), labels)[0]
    assert abs(alone - made.discriminator(images, labels)[0]) > 1e-4


def test_doubling_is_nearest_neighbours_and_a_convolution() -> None:
    torch.manual_seed(0)
    layer, x = Doubling(4, 5), draw(2, 4, 6, 6)
    weight = layer.weight.transpose(0, 1).flip(-1, -2)
    apart = nn.functional.conv2d(nn.functional.interpolate(x, scale_factor=2), weight, layer.bias, padding=1)
    assert torch.allclose(layer(x), apart, atol=1e-6)


def test_labels_are_the_pairs_of_class_and_magnification_that_occur(tmp_path: Path) -> None:
    made = gan()
    made.name_cells(rows((1, 40), (0, 40), (1, 400), (1, 40)))
    assert [cell[:2] for cell in made.labels()] == [(0, 40), (1, 40), (1, 400)]
    assert made.labels_of(rows((1, 400), (0, 400), (0, 40))).tolist() == [2, -1, 0]
    weights.save(made, tmp_path / "w.safetensors")
    again = gan()
    weights.load(again, tmp_path / "w.safetensors")
    assert again.labels() == made.labels()


def test_more_pairs_than_labels_are_refused() -> None:
    with pytest.raises(InputError, match=f"found 66 pairs.*allowed are {LABELS}"):
        gan().name_cells(rows(*((y, m) for y in (0, 1) for m in range(33))))


def test_names_of_labels() -> None:
    assert cell_name(Cell(1, 200)) == "malignant 200X"
    assert cell_name(Cell(0, 0)) == "benign"
