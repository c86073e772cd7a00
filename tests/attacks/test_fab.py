"""FAB: near the closed form, inside the budget or not counted, for any number of classes."""

import pytest
import torch
from torch import nn

from robustgan.attacks import _fab
from robustgan.attacks._leads import towards
from robustgan.attacks._siege import Siege, relay, untouched
from robustgan.attacks._walking import Walking
from robustgan.attacks.fab import FAB
from robustgan.counting import Counted
from robustgan.evaluation import judge
from robustgan.interfaces import L2, Linf, State
from tests.attacks.closed_form import LINF, Case, planes, planted
from tests.conftest import Linear


@pytest.fixture
def case() -> Case:
    return planted()


def robust(case: Case) -> int:
    return int((case.worst_linf(LINF.eps) < 0).sum())


@pytest.mark.parametrize("scale", [1.0, 1e4], ids=["plain", "sure"])
def test_near_the_closed_form(scale: float, case: Case) -> None:
    """Toolkits, part D: the published FAB misses 3 of 222."""
    model = Linear(case.model.weight.detach() * scale, bias=float(case.model.bias.detach()) * scale)
    rows, _ = judge(FAB(threat=LINF, steps=30), model, nn.Identity(), case.samples, seed=0, batch=400)
    left = int((rows["pred"].to_numpy() == case.samples.labels.numpy()).sum())
    assert robust(case) <= left <= robust(case) + 4


@pytest.mark.parametrize("threat", [Linf(eps=1.0), L2(eps=1.0)], ids=["linf", "l2"])
def test_first_step_is_the_shortest_way(threat: Linf | L2, linear: Linear) -> None:
    """Of a linear model, where nothing clips: the distance is the margin over the dual norm of the weights."""
    x = 0.4 + 0.2 * torch.rand(9, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    y = linear(x).argmax(1)
    siege = Siege(linear.requires_grad_(False), x, y, threat, tuple(range(9)))
    rows = torch.arange(9)
    walk = _fab.Walk(rows, x, 1 - y, x, x, torch.full((9,), torch.inf))
    moved = _fab.stepped(walk, siege)
    dual = linear.weight.abs().sum() if isinstance(threat, Linf) else linear.weight.norm()
    shortest = (-towards(linear(x), y, 1 - y) / dual).float()
    torch.testing.assert_close(threat.distance(x, moved.x_adv), _fab.OVERSHOOT * shortest, rtol=1e-3, atol=1e-7)


def test_l2_falls_are_those_within_reach(linear: Linear) -> None:
    x = 0.3 + 0.4 * torch.rand(200, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    y = linear(x).argmax(1)
    threat = L2(eps=0.1)
    worst = towards(linear(x).detach(), y, 1 - y) + threat.eps * linear.weight.detach().norm()
    siege = Siege(linear.requires_grad_(False), x, y, threat, tuple(range(200)), written=False)
    found = relay(siege, [untouched, *Walking(steps=20).attempts(2)])[0]
    assert not (found.fooled & (worst < -1e-4)).any()
    assert ((worst > 0.01) & ~found.fooled).sum() <= 2
    assert threat.distance(x, found.x_adv).max() <= threat.eps * (1 + 1e-5)


@pytest.mark.parametrize("classes", [2, 3, 4, 8])
def test_any_number_of_classes(classes: int) -> None:
    siege, safe = planes(classes)
    attempts = list(Walking(steps=20).attempts(classes))
    assert len(attempts) == min(classes - 1, 9)
    found = relay(siege, [untouched, *attempts])[0]
    assert not (found.fooled & safe).any()
    assert (~found.fooled).sum() <= safe.sum() + 3


def test_each_image_is_alone() -> None:
    siege, _ = planes(3)
    settings = Walking(steps=8, restarts=2)
    whole = relay(siege, [untouched, *settings.attempts(3)])[0]
    for batch in (1, 7):
        for rows in torch.arange(14).split(batch):
            part = siege.among(rows, lambda some: relay(some, [untouched, *settings.attempts(3)])[0])
            assert torch.equal(part.fooled, whole.fooled[rows])


def test_survivors_alone_are_paid_for(case: Case) -> None:
    victim = Counted(case.model, gradients=True, images=400).eval()
    state = State(nn.Identity(), torch.Generator(), tuple(range(400)))
    x_adv = FAB(threat=LINF, steps=10).perturb(victim, case.x, case.samples.labels, state)
    down = case.model(x_adv).argmax(1) != case.samples.labels
    assert (victim.backwards[~down] == 10).all()
    assert victim.backwards[down].max() <= 10
    assert victim.backwards[down].float().median() < 5
    assert victim.forwards[~down].min() == 1 + 1 + 2 * 10 + 1


def test_a_restart_begins_elsewhere_and_close() -> None:
    siege, _ = planes(2)
    first, second = Walking(steps=1, restarts=2).attempts(2)
    starts = []
    for attempt in (first, second):
        seen = Counted(siege.model, gradients=True, images=120)
        inputs: list[torch.Tensor] = []
        seen.register_forward_pre_hook(lambda _, args: inputs.append(args[0].detach().clone()))  # noqa: B023
        attempt(Siege(seen, siege.x, siege.y, siege.threat, siege.seeds))
        starts.append(inputs[1])
    assert torch.equal(starts[0], siege.x)
    away = siege.threat.distance(siege.x, starts[1])
    assert 0.4 * siege.threat.eps < away.min() <= away.max() <= 0.5 * siege.threat.eps + 1e-6
