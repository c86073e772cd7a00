"""Adversarial training: the worst neighbours in closed form, and a classifier that is harder to fool for it."""

from pathlib import Path

import pytest
import torch
from torch import nn

from robustgan import hardening, training
from robustgan.errors import InputError
from robustgan.experiment import Adversarial, Training
from robustgan.interfaces import Samples
from robustgan.journal import Journal
from tests.conftest import samples_of


def linear(weight: torch.Tensor) -> nn.Sequential:
    layer = nn.Linear(weight.numel(), 2, bias=False)
    layer.weight.data = torch.stack([-weight.flatten(), weight.flatten()]) / 2
    return nn.Sequential(nn.Flatten(), layer).train()


def test_the_worst_neighbour_of_a_linear_model_is_a_corner_of_the_box() -> None:
    weight = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0))
    network, x, y = linear(weight), torch.full((2, 3, 4, 4), 0.5), torch.tensor([0, 1])
    found = hardening.worst(network, x, y, Adversarial(eps=0.1, steps=4), torch.Generator().manual_seed(1))
    corner = torch.stack([0.5 + 0.1 * weight.sign(), 0.5 - 0.1 * weight.sign()])
    moved = (found - corner).abs() < 1e-6
    assert ((found - x).abs() <= 0.1 + 1e-6).all()
    assert moved.float().mean() > 0.5  # every start in the outer half of its side gets there, and some more
    assert network.training
    assert all(p.grad is None for p in network.parameters())


def test_neighbours_stay_images() -> None:
    network = linear(torch.ones(3, 2, 2))
    x = torch.cat([torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)])
    found = hardening.worst(network, x, torch.tensor([1, 0]), Adversarial(eps=0.3), torch.Generator().manual_seed(0))
    assert found.min() >= 0
    assert found.max() <= 1


def features(n: int, seed: int) -> Samples:
    """A strong sign in the red channel (60 grey levels) and a faint, perfect one in the blue channel (6 levels)."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    images = torch.full((n, 3, 8, 8), 128)
    red = torch.where(torch.rand(n, generator=rng) < 0.9, labels, 1 - labels)
    images[:, 0] += ((2 * red - 1) * 30).view(-1, 1, 1)
    images[:, 2] += ((2 * labels - 1) * 3).view(-1, 1, 1)
    return samples_of((images + torch.randint(-2, 3, images.shape, generator=rng)).to(torch.uint8), labels)


def broken(network: nn.Module, samples: Samples, eps: float) -> float:
    """Share of the images that one full gradient step turns wrong."""
    x, y = samples.images.float() / 255, samples.labels
    x.requires_grad_(True)
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(network.eval()(x), y, reduction="sum"), x)
    with torch.no_grad():
        return float((network(x + eps * gradient.sign()).argmax(1) != y).float().mean())


def test_a_classifier_that_trains_so_is_harder_to_fool(tmp_path: Path) -> None:
    rates = {}
    for name, adversarial in (("plain", None), ("hard", Adversarial(eps=8 / 255))):
        (tmp_path / name).mkdir()
        torch.manual_seed(0)
        network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(3), nn.Linear(3, 2))
        rule = Training(epochs=20, patience=20, batch=32, lr=3e-2, stain=0, adversarial=adversarial)
        training.train(network, features(256, 0), features(128, 1), rule, 0, Journal(tmp_path / name))
        rates[name] = broken(network, features(256, 2), 8 / 255)
    assert rates["plain"] > 0.9
    assert rates["hard"] < 0.25  # the strong sign is wrong for a tenth, and more than eps cannot be taken from it


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match=r"adversarial\.eps"):
        Training.read({"adversarial": {"eps": 0}})
    assert Training.read({"adversarial": {"eps": "8/255"}}).adversarial == Adversarial(eps=8 / 255)
