"""Virtual batch norm: the reference counts, the neighbours do not."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import weights
from robustgan.freezing import weights_digest
from robustgan.gan.cells import LABELS
from robustgan.gan.conditional import Gan
from robustgan.gan.virtual_norm import REFERENCE, VirtualNorm
from robustgan.interfaces import Samples
from tests.attacks.test_dcgan import TINY, KillError, fitted, sides

__all__ = ["sides"]

VIRTUAL = TINY.model_copy(update={"norm": "virtual"})
ROWS = pd.DataFrame({"label": [0, 1, 1], "magnification": [40, 40, 100]})


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def gan() -> Gan:
    torch.manual_seed(0)
    made = Gan(16, (4, 4), 8, 4, virtual=True)
    made.name_cells(ROWS)
    for norm in made.generator.norms:
        nn.init.normal_(norm.gain.weight, 1.0), nn.init.normal_(norm.shift.weight)
    return made


def test_an_image_is_normalised_with_the_reference_and_itself() -> None:
    x = 3 + 2 * draw(REFERENCE + 2, 5, 4, 4)
    found = VirtualNorm()(x)
    for i in (0, 1):
        together = torch.cat([x[:REFERENCE], x[REFERENCE + i : REFERENCE + i + 1]])
        wanted = nn.functional.batch_norm(together, None, None, training=True)[-1]
        torch.testing.assert_close(found[REFERENCE + i], wanted, rtol=1e-4, atol=1e-5)
    alone = nn.functional.batch_norm(x[:REFERENCE], None, None, training=True)
    torch.testing.assert_close(found[:REFERENCE], alone, rtol=1e-4, atol=1e-5)


def test_in_training_an_image_does_not_depend_on_its_neighbours(gan: Gan) -> None:
    gan.train()
    z, labels = draw(6, 8), torch.tensor([0, 1, 2, 0, 1, 2])
    together, alone = gan.generator(z, labels), gan.generator(z[2:3], labels[2:3])
    torch.testing.assert_close(together[2:3], alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gan.eval().generator(z, labels), together)
    torch.manual_seed(0)
    plain = Gan(16, (4, 4), 8, 4).train().generator  # batch norm: it does
    assert (plain(z, labels)[2:4] - plain(z[2:4], labels[2:4])).abs().max() > 1e-3


def test_the_reference_shapes_every_image_and_learns(gan: Gan) -> None:
    z, labels = draw(2, 8), torch.tensor([0, 1])
    before = gan.generator(z, labels).detach()
    gan.generator.reference.mul_(3)
    assert (gan.generator(z, labels) - before).abs().max() > 1e-3
    gan.generator.reference_labels.fill_(2)
    gan.generator(z, labels).sum().backward()
    grads = gan.generator.norms[0].shift.weight.grad
    assert grads is not None
    assert grads[2].abs().sum() > 0  # a label that only the reference has


def test_the_reference_takes_the_labels_in_turn_and_is_kept_with_the_weights(gan: Gan, tmp_path: Path) -> None:
    assert gan.generator.reference_labels.bincount().tolist() == [22, 21, 21]
    weights.save(gan, tmp_path / "w.safetensors")
    torch.manual_seed(1)
    again = Gan(16, (4, 4), 8, 4, virtual=True)
    z, labels = draw(3, 8), torch.tensor([0, 1, 2])
    assert not torch.equal(again.generator.reference, gan.generator.reference)
    weights.load(again, tmp_path / "w.safetensors")
    assert torch.equal(again.generator(z, labels), gan.generator(z, labels))


def test_blends_of_labels_work_too(gan: Gan) -> None:
    z, labels = draw(2, 8), torch.tensor([0, 2])
    blend = nn.functional.one_hot(labels, LABELS).float()
    torch.testing.assert_close(gan.generator(z, blend), gan.generator(z, labels), rtol=1e-4, atol=1e-5)


def test_a_training_keeps_its_reference_and_resumes_to_the_same_bytes(
    tmp_path: Path, sides: tuple[Samples, Samples]
) -> None:
    network = fitted(tmp_path / "straight", sides, VIRTUAL)
    torch.manual_seed(1)
    assert torch.equal(network.generator.reference, VIRTUAL.build().generator.reference)
    with pytest.raises(KillError):
        fitted(tmp_path / "killed", sides, VIRTUAL, stop=2)
    assert weights_digest(fitted(tmp_path / "killed", sides, VIRTUAL)) == weights_digest(network)
