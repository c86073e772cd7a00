import math

import pytest
import torch
from torch import nn

from robustgan.gan import objectives
from robustgan.gan.conditional import Discriminator
from robustgan.gan.objectives import deceive, distinguish, one_lipschitz, r1, scale, slopes

REAL, FAKE = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
LABELS = torch.tensor([0, 1])


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def slope(of: torch.Tensor, by: torch.Tensor) -> list[float]:
    return torch.autograd.grad(of, by)[0].tolist()


@pytest.mark.parametrize(
    ("loss", "d", "g"),
    [
        ("hinge", (0 + 2) / 2 + (1.5 + 0) / 2, 1.25),
        ("wgan-gp", -0.5 - 1.25, 1.25),
        ("lsgan", 0.5 * ((1 + 4) / 2 + (0.25 + 9) / 2), 0.5 * (0.25 + 16) / 2),
        (
            "minimax",
            (softplus(-2) + softplus(1) + softplus(0.5) + softplus(-3)) / 2,
            -(softplus(0.5) + softplus(-3)) / 2,
        ),
        (
            "nonsaturating",
            (softplus(-2) + softplus(1) + softplus(0.5) + softplus(-3)) / 2,
            (softplus(-0.5) + softplus(3)) / 2,
        ),
    ],
)
def test_values_on_known_scores(loss: str, d: float, g: float) -> None:
    assert float(distinguish(loss, REAL, FAKE)) == pytest.approx(d, rel=1e-5)
    assert float(deceive(loss, FAKE)) == pytest.approx(g, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "on_real", "on_fake", "on_deceived"),
    [
        ("hinge", [0.0, -0.5], [0.5, 0.0], [-0.5, -0.5]),
        ("wgan-gp", [-0.5, -0.5], [0.5, 0.5], [-0.5, -0.5]),
        ("lsgan", [0.5, -1.0], [0.25, -1.5], [-0.25, -2.0]),
        ("minimax", [-0.0596, -0.3655], [0.3112, 0.0237], [-0.3112, -0.0237]),
        ("nonsaturating", [-0.0596, -0.3655], [0.3112, 0.0237], [-0.1888, -0.4763]),
    ],
)
def test_gradients_on_known_scores(
    loss: str, on_real: list[float], on_fake: list[float], on_deceived: list[float]
) -> None:
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    assert slope(distinguish(loss, real, fake), real) == pytest.approx(on_real, abs=1e-4)
    assert slope(distinguish(loss, real, fake), fake) == pytest.approx(on_fake, abs=1e-4)
    assert slope(deceive(loss, fake), fake) == pytest.approx(on_deceived, abs=1e-4)


def test_where_the_discriminator_is_sure_minimax_stops_teaching_and_nonsaturating_does_not() -> None:
    sure = torch.full((1,), -20.0, requires_grad=True)
    assert abs(slope(deceive("minimax", sure), sure)[0]) < 1e-8
    assert slope(deceive("nonsaturating", sure), sure)[0] == pytest.approx(-1.0)


@pytest.mark.parametrize("loss", ["minimax", "nonsaturating", "lsgan"])
def test_smoothing_puts_the_best_score_of_real_images_at_the_target_and_leaves_generated_ones(loss: str) -> None:
    best = math.log(0.9 / 0.1) if loss != "lsgan" else 0.9
    real, fake = torch.full((2,), best, requires_grad=True), FAKE.clone().requires_grad_()
    assert slope(distinguish(loss, real, fake, 0.9), real) == pytest.approx([0.0] * 2, abs=1e-6)
    plain, smooth = (slope(distinguish(loss, real, fake, target), fake) for target in (1.0, 0.9))
    assert plain == smooth


@pytest.mark.parametrize("loss", ["hinge", "minimax", "nonsaturating", "lsgan"])
def test_an_image_told_wrongly_counts_as_the_other_side(loss: str) -> None:
    wrong = torch.tensor([[True, False], [False, True]])
    swapped = distinguish(loss, torch.stack([FAKE[1], REAL[1]]), torch.stack([FAKE[0], REAL[0]]))
    assert torch.isclose(distinguish(loss, REAL, FAKE, 1.0, wrong), swapped)
    assert torch.equal(distinguish(loss, REAL, FAKE, 1.0, ~wrong & wrong), distinguish(loss, REAL, FAKE))


@pytest.mark.parametrize("loss", ["hinge", "minimax", "lsgan"])
@pytest.mark.parametrize(("target", "flip"), [(1.0, 0.0), (0.9, 0.0), (1.0, 0.2), (0.8, 0.1)])
def test_the_scale_is_the_least_loss_and_the_loss_at_chance(loss: str, target: float, flip: float) -> None:
    if loss == "hinge" and target != 1:
        return
    scores, rows = torch.linspace(-6, 6, 2401), 1000
    wrong = torch.arange(rows) < flip * rows
    real = (1 - flip) * objectives.as_real(loss, scores, target) + flip * objectives.as_fake(loss, scores)
    fake = (1 - flip) * objectives.as_fake(loss, scores) + flip * objectives.as_real(loss, scores, target)
    found = scale(loss, target, flip)
    assert found.lowest == pytest.approx(float(real.min() + fake.min()), abs=6e-3)
    assert found.chance == pytest.approx(float((real + fake).min()), abs=1e-3)
    best = scores[real.argmin()].expand(rows), scores[fake.argmin()].expand(rows)
    told = float(distinguish(loss, *best, target, torch.stack([wrong, wrong])))
    assert told == pytest.approx(found.lowest, abs=6e-3)


def test_a_distance_has_no_least_value_and_is_zero_at_chance() -> None:
    assert scale("wgan-gp", 1.0, 0.0) == (-math.inf, 0.0)


class Planar(nn.Module):
    """Score w.x + b of each image."""

    def __init__(self, length: float) -> None:
        super().__init__()
        weight = torch.arange(12.0).view(3, 2, 2) + 1
        self.weight = nn.Parameter(length * weight / weight.norm())

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return (x * self.weight).flatten(1).sum(1)


def test_penalties_of_a_plane_are_the_closed_form_in_value_and_gradient() -> None:
    plane, x, y = Planar(3.0), torch.rand(2, 3, 2, 2), torch.rand(2, 3, 2, 2)
    assert slopes(plane, x, LABELS).tolist() == pytest.approx([3.0, 3.0])
    assert r1(plane, x, LABELS).item() == pytest.approx(4.5)
    penalty = one_lipschitz(plane, x, y, LABELS, torch.tensor([0.2, 0.9]))
    assert penalty.item() == pytest.approx(4.0)
    (gradient,) = torch.autograd.grad(penalty, plane.weight)  # 2 (|w| - 1) w / |w|
    assert torch.allclose(gradient, 4 * plane.weight / 3, atol=1e-5)
    (gradient,) = torch.autograd.grad(r1(plane, x, LABELS), plane.weight)
    assert torch.allclose(gradient, plane.weight.detach(), atol=1e-5)


def test_the_gradient_penalty_looks_between_real_and_generated_images() -> None:
    seen = []

    class Watching(Planar):
        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            seen.append(x.detach())
            return super().forward(x, labels)

    one_lipschitz(Watching(1.0), torch.ones(2, 3, 2, 2), torch.zeros(2, 3, 2, 2), LABELS, torch.tensor([0.25, 1.0]))
    assert seen[0][:, 0, 0, 0].tolist() == [0.25, 1.0]


def test_a_penalty_looks_at_each_image_alone_and_leaves_the_discriminator_as_it_was() -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(16, 4).train()
    x, labels = torch.rand(4, 3, 16, 16), torch.tensor([0, 0, 1, 1])
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    together = slopes(discriminator, x, labels)
    assert torch.allclose(together[:1], slopes(discriminator, x[:1], labels[:1]), rtol=1e-4)
    assert discriminator.training
    assert all(torch.equal(value, before[name]) for name, value in discriminator.state_dict().items())
    r1(discriminator, x, labels).backward()
    assert discriminator.downs[0].parametrizations.weight.original.grad.abs().sum() > 0
