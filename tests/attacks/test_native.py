"""Noise, FGSM and PGD: what their files promise beyond the contract."""

import pytest
import torch
from torch import nn

from robustgan.attacks._margin import margin, slope
from robustgan.attacks.fgsm import FGSM
from robustgan.attacks.noise import Noise
from robustgan.attacks.pgd import PGD
from robustgan.config import plugin
from robustgan.errors import InputError, RunError
from robustgan.evaluation import judge
from robustgan.interfaces import L2, Linf, Samples, State
from tests.conftest import Linear

THREATS = [Linf(eps=8 / 255), L2(eps=0.7)]


def state(*seeds: int) -> State:
    return State(nn.Identity(), torch.Generator(), seeds)


class Wavy(nn.Module):
    """A margin that goes up and down along the way: the last point of a climb is seldom its best."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wave = (400 * x).sin().flatten(1).sum(1)
        return torch.stack([torch.zeros_like(wave), wave], 1)


class Noted(Wavy):
    """Remembers every point that it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(x.detach())
        return super().forward(x)


def test_margin_is_the_lead_of_the_wrong_class() -> None:
    logits = torch.tensor([[1.0, 3.0], [1.0, 3.0], [-2.0, -2.0]])
    assert margin(logits, torch.tensor([0, 1, 1])).tolist() == [2.0, -2.0, 0.0]


def test_slope_matches_the_derivative_of_each_image_alone(linear: Linear) -> None:
    x, y = torch.rand(3, 3, 16, 16), torch.tensor([0, 1, 0])
    value, gradient = slope(linear, x, y)
    torch.testing.assert_close(value, margin(linear(x), y).detach())
    for i, sign in enumerate((1, -1, 1)):
        torch.testing.assert_close(gradient[i], sign * linear.weight.detach())
    assert linear.weight.grad is None
    assert not x.requires_grad


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.norm)
def test_noise_is_of_full_size_and_belongs_to_the_image(threat: Linf | L2) -> None:
    x, y = torch.full((3, 3, 8, 8), 0.5), torch.zeros(3, dtype=torch.long)
    made = Noise(threat=threat).perturb(nn.Identity(), x, y, state(1, 2, 3))
    torch.testing.assert_close(threat.distance(x, made), torch.full((3,), threat.eps))
    if isinstance(threat, Linf):
        assert (made - x).abs().min() > threat.eps * 0.999
        assert 0.3 < (made > x).float().mean() < 0.7
    alone = Noise(threat=threat).perturb(nn.Identity(), x[:1], y[:1], state(2))
    assert torch.equal(alone[0], made[1])
    assert not torch.equal(made[0], made[1])


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.norm)
def test_pgd_returns_the_best_point_of_all_climbs(threat: Linf | L2) -> None:
    x, y = (
        torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(1)),
        torch.zeros(5, dtype=torch.long),
    )
    attack = PGD(threat=threat, steps=9, step=0.6, restarts=3)
    who = state(*range(5))
    model = Noted()
    found = margin(Wavy()(attack.perturb(model, x, y, who)), y)
    assert len(model.seen) == 3 * 10
    assert all(float(threat.distance(x, point).max()) <= threat.eps * (1 + 1e-5) for point in model.seen)
    assert all(torch.equal(model.seen[10 * n], attack.start(x, who, n)) for n in range(3))
    heights = torch.stack([margin(Wavy()(point), y) for point in model.seen])
    torch.testing.assert_close(found, heights.amax(0))
    assert (heights.amax(0) > heights[9::10].amax(0)).any(), "the last is not the best"


def test_pgd_starts_at_a_point_of_the_image_and_the_restart() -> None:
    x = torch.rand(2, 3, 8, 8)
    attack = PGD(threat=Linf(eps=0.1))
    first, second = attack.start(x, state(1, 2), 0), attack.start(x, state(1, 2), 1)
    assert not torch.equal(first, second)
    assert torch.equal(attack.start(x[1:], state(2), 1)[0], second[1])
    assert torch.equal(PGD(threat=Linf(eps=0.1), random_start=False).start(x, state(1, 2), 0), x)


@pytest.mark.parametrize(
    ("attack", "queries"),
    [
        (FGSM(threat=THREATS[0]), 1),
        (PGD(threat=THREATS[0], steps=6), 7),
        (PGD(threat=THREATS[0], steps=6, restarts=3), 21),
        (Noise(threat=THREATS[0]), 0),
    ],
    ids=["fgsm", "pgd", "pgd-3", "noise"],
)
def test_forward_passes_are_the_least_possible(
    attack: FGSM | PGD | Noise, queries: int, linear: Linear, samples: Samples
) -> None:
    rows, _ = judge(attack, linear, nn.Identity(), samples, seed=0, batch=10)
    assert rows["queries"].tolist() == [queries] * 24


def test_pgd_is_never_worse_with_more_restarts() -> None:
    x, y = (
        torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(3)),
        torch.zeros(6, dtype=torch.long),
    )
    who = state(*range(6))
    one, four = (PGD(threat=THREATS[0], steps=5, restarts=n).perturb(Wavy(), x, y, who) for n in (1, 4))
    assert (margin(Wavy()(four), y) >= margin(Wavy()(one), y) - 1e-4).all()


class Broken(nn.Module):
    """Finite outputs, gradients that are not: the square root at 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height = (x * 0).sqrt().flatten(1).sum(1)
        return torch.stack([-height, height], 1)


@pytest.mark.parametrize("attack", [FGSM(threat=THREATS[0]), PGD(threat=THREATS[0])], ids=["fgsm", "pgd"])
def test_gradients_that_are_not_finite_fail_the_cell(attack: FGSM | PGD, samples: Samples) -> None:
    with pytest.raises(RunError, match=f"{attack.kind}: .*not finite"):
        judge(attack, Broken(), nn.Identity(), samples, seed=0, batch=24)


def test_a_flat_model_breaks_nothing(samples: Samples) -> None:
    flat = Linear(torch.zeros(3, 16, 16))
    for attack in (FGSM(threat=THREATS[1]), PGD(threat=THREATS[1], random_start=False)):
        rows, eight = judge(attack, flat, nn.Identity(), samples, seed=0, batch=24)
        assert torch.equal(eight, samples.images)
        assert (rows["score"] == 0.5).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "pgd"}, "attacks.0.threat: a required setting is missing"),
        ({"kind": "pgd", "threat": {"norm": "l3", "eps": 1}}, "attacks.0.threat: .*'linf', 'l2'"),
        ({"kind": "fgsm", "threat": {"norm": "unrestricted"}}, "attacks.0.threat: .*'linf', 'l2'"),
        ({"kind": "clean", "threat": {"norm": "linf", "eps": 0.1}}, "attacks.0.threat"),
        ({"kind": "pgd", "threat": {"norm": "linf", "eps": 0.1}, "stepps": 3}, "Did you mean `steps`"),
        ({"kind": "pgd", "threat": {"norm": "linf", "eps": 0.1}, "steps": 0}, "attacks.0.steps: .*found 0"),
        (
            {"kind": "pgd", "threat": {"norm": "linf", "eps": 0.1}, "restarts": 2, "random_start": False},
            "found restarts: 2 without random_start",
        ),
        ({"kind": "fgms"}, "Did you mean `fgsm`"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plugin("attacks", settings, "attacks.0")
