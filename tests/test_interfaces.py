"""Threat models: distance, projection, steps and starts live with the norm."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustgan.config import Spec
from robustgan.errors import InputError
from robustgan.interfaces import L2, Attack, Bounded, Dataset, Forger, Linf, Model, Samples, State, Unrestricted
from robustgan.tensors import Images, Labels, Network

budgets = st.one_of(st.floats(1e-3, 1).map(lambda eps: Linf(eps=eps)), st.floats(1e-2, 20).map(lambda eps: L2(eps=eps)))


def images(seed: int, scale: float = 1.0) -> torch.Tensor:
    return (torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(seed)) - 0.5) * scale + 0.5


class Holder(Spec):
    threat: Bounded


@given(budgets, st.integers(0, 1000), st.floats(0, 9))
@settings(deadline=None)
def test_projection_is_inside_and_leaves_alone_what_is_inside(threat: Linf | L2, seed: int, scale: float) -> None:
    x, far = images(seed), images(seed + 1, scale)
    near = threat.project(x, far)
    assert float(threat.distance(x, near).max()) <= threat.eps * (1 + 1e-5) + 1e-6  # fp32 near 1
    assert near.min() >= 0
    assert near.max() <= 1
    torch.testing.assert_close(threat.project(x, near), near, atol=2e-6, rtol=0)
    inside = (far.clamp(0, 1) - x).flatten(1)
    already = threat.distance(x, far.clamp(0, 1)) <= threat.eps
    torch.testing.assert_close((near - x).flatten(1)[already], inside[already], atol=2e-6, rtol=0)


@pytest.mark.parametrize(("threat", "distances"), [(Linf(eps=0.1), [0.5, 0.25]), (L2(eps=0.1), [0.5**0.5, 0.25])])
def test_distances_by_hand(threat: Linf | L2, distances: list[float]) -> None:
    x = torch.zeros(2, 3, 1, 2)
    x_adv = x.clone()
    x_adv[0, 0, 0, 0], x_adv[0, 2, 0, 1], x_adv[1, 1, 0, 1] = 0.5, -0.5, 0.25
    assert threat.distance(x, x_adv).tolist() == pytest.approx(distances)


@given(budgets, st.integers(0, 1000), st.floats(1e-3, 2))
@settings(deadline=None)
def test_a_step_has_its_length_and_the_best_direction(threat: Linf | L2, seed: int, step: float) -> None:
    gradient = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    move = threat.ascend(gradient, step)
    zero = torch.zeros_like(move)
    torch.testing.assert_close(threat.distance(zero, move), torch.full((4,), step), rtol=1e-5, atol=0)
    gain = (gradient * move).flatten(1).sum(1)
    dual = gradient.flatten(1).abs().sum(1) if isinstance(threat, Linf) else gradient.flatten(1).norm(dim=1)
    torch.testing.assert_close(gain, step * dual, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("threat", [Linf(eps=0.1), L2(eps=0.1)])
def test_no_gradient_no_step(threat: Linf | L2) -> None:
    assert not threat.ascend(torch.zeros(2, 3, 4, 4), 1.0).any()


@given(budgets, st.integers(0, 1000))
@settings(deadline=None)
def test_starts_are_in_the_ball(threat: Linf | L2, seed: int) -> None:
    unit = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    for extreme in (unit, unit.round()):
        start = threat.start(extreme)
        assert float(threat.distance(torch.zeros_like(start), start).max()) <= threat.eps * (1 + 1e-5)
        assert start.min() < 0 < start.max()


def test_unrestricted_has_no_eps_and_only_the_range() -> None:
    threat = Unrestricted()
    assert math.isnan(threat.eps)
    assert threat.project(
        torch.zeros(1, 3, 1, 1), torch.tensor([-1.0, 0.5, 2.0]).view(1, 3, 1, 1)
    ).flatten().tolist() == [0, 0.5, 1]
    with pytest.raises(InputError, match="eps"):
        Unrestricted.read({"eps": 0.1})


@pytest.mark.parametrize("eps", ["8/255", 8 / 255, "3.1372549019607843e-2"])
def test_budgets_are_read_as_people_write_them(eps: object) -> None:
    assert Holder.read({"threat": {"norm": "linf", "eps": eps}}).threat.eps == pytest.approx(8 / 255)


@pytest.mark.parametrize(
    ("threat", "message"),
    [
        ({"norm": "linf", "eps": 8}, "threat.linf.eps: .*less than or equal to 1.*found 8"),
        ({"norm": "linf", "eps": 0}, "greater than 0"),
        ({"norm": "l2", "eps": -1}, "greater than 0"),
        ({"norm": "l2", "eps": "8/0"}, "no number"),
        ({"norm": "l2", "eps": math.inf}, "finite"),
        ({"norm": "l1", "eps": 1}, "'linf', 'l2'"),
        ({"norm": "l2"}, "eps: a required setting is missing"),
        ({"norm": "l2", "eps": 1, "epsilon": 2}, "Did you mean `eps`"),
    ],
)
def test_budgets_that_are_refused(threat: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Holder.read({"threat": threat})


class Nothing(Attack):
    """Changes nothing."""

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        return x


def test_an_attack_is_called_by_its_name_or_its_kind() -> None:
    assert Nothing(name="mine").label == "mine"
    assert Nothing().label == "test_interfaces"
    assert isinstance(Nothing().build(), nn.Identity)


@pytest.mark.parametrize("noun", [Dataset, Model, Attack, Forger])
def test_what_a_plug_in_must_write_itself_is_asked_for_when_it_is_made(noun: type) -> None:
    with pytest.raises(TypeError, match="abstract"):
        noun()


def test_samples_are_as_many_as_their_rows(samples: Samples) -> None:
    assert len(samples) == 24
