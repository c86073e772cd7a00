"""Auto-PGD: exact where the answer is known, blind to no scale, and no dearer than it says."""

from typing import Any

import pytest
import torch
from torch import nn

from robustgan.attacks import _apgd, _leads
from robustgan.attacks._climbing import Climbing
from robustgan.attacks._leads import lead
from robustgan.attacks._siege import Outcome, relay, untouched
from robustgan.attacks.apgd import APGD
from robustgan.attacks.pgd import PGD
from robustgan.config import plugin
from robustgan.counting import Counted
from robustgan.errors import InputError, RunError
from robustgan.evaluation import judge
from robustgan.interfaces import L2, Linf, Samples, State
from tests.attacks.closed_form import LINF, Case, attacked, planes, planted
from tests.conftest import Linear


@pytest.fixture
def case() -> Case:
    return planted()


def robust(case: Case) -> int:
    return int((case.worst_linf(LINF.eps) < 0).sum())


def standing(attack: APGD | PGD, model: nn.Module, samples: Samples, batch: int = 400) -> int:
    rows, _ = judge(attack, model, nn.Identity(), samples, seed=0, batch=batch)
    return int((rows["pred"].to_numpy() == samples.labels.numpy()).sum())


def sieged(classes: int, **settings: Any) -> Outcome:
    siege, _ = planes(classes)
    return relay(siege, [untouched, *Climbing(**settings).attempts(classes)])[0]


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-2], ids=["plain", "sure", "faint"])
@pytest.mark.parametrize("loss", ["ce", "margin"])
def test_finds_exactly_the_images_that_can_fall(loss: str, scale: float, case: Case) -> None:
    """Toolkits, part D: there logits x 10,000 hide 208 of 222 images from the published APGD on cross-entropy."""
    assert 100 < robust(case) < 300
    model = Linear(case.model.weight.detach() * scale, bias=float(case.model.bias.detach()) * scale)
    assert standing(APGD(threat=LINF, loss=loss, steps=50), model, case.samples) == robust(case)


def test_l2_reaches_the_closed_form(linear: Linear) -> None:
    x = 0.3 + 0.4 * torch.rand(300, 3, 16, 16, generator=torch.Generator().manual_seed(4))  # nothing clips
    y = linear(x).argmax(1)
    threat = L2(eps=0.1)
    worst = lead(linear(x).detach(), y) + threat.eps * linear.weight.detach().norm()
    x, y, worst = (part[worst.abs() > 1e-3] for part in (x, y, worst))
    reached = attacked(APGD(threat=threat, steps=50), linear, x, y)
    assert 0.2 < (worst < 0).double().mean() < 0.8
    torch.testing.assert_close(reached[worst < 0], worst[worst < 0], rtol=0, atol=1e-3)
    # One that falls as 8 bits is not climbed further; a boundary that only floats reach counts as standing.
    assert int((reached > 0).sum()) >= int((worst > 0.02).sum())


@pytest.mark.parametrize(
    "settings", [{}, {"loss": "margin"}, {"loss": "margin", "targets": 9}], ids=["ce", "dlr", "targeted"]
)
@pytest.mark.parametrize("classes", [2, 3, 4, 8])
def test_any_number_of_classes(classes: int, settings: dict[str, Any]) -> None:
    """The published AutoAttack stops with an IndexError at 2, 3 and 8 classes when images are left standing."""
    _, safe = planes(classes)
    assert 10 < int(safe.sum()) < 110, "some fall and some stand"
    fooled = sieged(classes, steps=40, **settings).fooled
    assert not (fooled & safe).any()
    if settings.get("targets") or classes == 2:
        assert torch.equal(fooled, ~safe), "every wrong class is climbed to: exact"
    else:
        assert int((~fooled).sum()) <= int(safe.sum()) + 12, "one climb cannot go to all of them"


def test_what_it_says_is_so() -> None:
    siege, _ = planes(4)
    found = sieged(4, steps=20, restarts=2)
    distance = siege.threat.distance(siege.x, found.x_adv)
    assert distance.max() <= siege.threat.eps + 1e-6
    levels = found.x_adv[found.fooled] * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)
    reached = lead(siege.model(found.x_adv).double(), siege.y)
    assert torch.equal(reached > 0, found.fooled)
    torch.testing.assert_close(reached[~found.fooled], found.height[~found.fooled], rtol=0, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 7])
def test_each_image_is_alone(batch: int) -> None:
    siege, _ = planes(4)
    settings = Climbing(loss="margin", targets=9, steps=12)
    whole = relay(siege, [untouched, *settings.attempts(4)])[0]
    for rows in torch.arange(21).split(batch):
        part = siege.among(rows, lambda some: relay(some, [untouched, *settings.attempts(4)])[0])
        assert torch.equal(part.fooled, whole.fooled[rows])
        torch.testing.assert_close(part.height, whole.height[rows], rtol=0, atol=1e-4)


def test_survivors_alone_are_paid_for(case: Case) -> None:
    victim = Counted(case.model, gradients=True, images=400).eval()
    attack = APGD(threat=LINF, steps=10, restarts=2)
    state = State(nn.Identity(), torch.Generator(), tuple(range(400)))
    x_adv = attack.perturb(victim, case.x, case.samples.labels, state)
    down = (case.model(x_adv).argmax(1) != case.samples.labels).cpu()
    assert victim.forwards[~down].min() == 1 + 2 * 11
    assert (victim.backwards[~down] == 20).all()
    assert victim.backwards[down].max() < 20
    assert 1 <= victim.backwards[down].min() < 5
    halves = Counted(case.model, gradients=True, images=200).eval()
    attack.perturb(halves, case.x[:200], case.samples.labels[:200], state._replace(seeds=tuple(range(200))))
    assert torch.equal(halves.backwards, victim.backwards[:200])
    assert torch.equal(halves.forwards, victim.forwards[:200])


def test_climbs_no_lower_than_pgd_where_the_model_is_rough(samples: Samples) -> None:
    torch.manual_seed(1)
    rough = nn.Sequential(
        nn.Conv2d(3, 12, 3), nn.Tanh(), nn.Conv2d(12, 12, 3), nn.Tanh(), nn.Flatten(), nn.Linear(1728, 2)
    )
    x = samples.images.float() / 255
    y = rough(x).argmax(1)
    rightly = Samples(samples.images, y, samples.rows)
    threat = Linf(eps=2 / 255)
    assert (
        2
        < standing(APGD(threat=threat, steps=40), rough, rightly)
        <= standing(PGD(threat=threat, steps=40), rough, rightly)
    )


def test_checkpoints_are_those_of_the_paper() -> None:
    assert _apgd.checkpoints(100) == [0, 22, 41, 57, 70, 80, 87, 93, 99, 105]
    assert _apgd.checkpoints(1) == [0, 1, 2]


def test_a_stalled_climb_halves_its_step_and_goes_back() -> None:
    point = torch.zeros(2, 3, 2, 2)
    now = _apgd.begin(torch.arange(2), torch.zeros(2, dtype=torch.long), point, 0.5)
    best = torch.ones_like(point)
    now = now._replace(rises=torch.tensor([7, 8]), top=torch.tensor([1.0, 1.0]).double(), best=best)
    after = _apgd.reviewed(now, 10)
    assert after.step.flatten().tolist() == [0.25, 0.5]
    assert after.x_adv[0].min() == 1
    assert after.x_adv[1].max() == 0
    again = _apgd.reviewed(after._replace(rises=torch.tensor([10, 10])), 10)
    assert again.step.flatten().tolist() == [0.25, 0.25], "no better point since, and the step was kept: halve it now"


def test_losses_have_the_slope_that_they_stand_for() -> None:
    logits = torch.tensor([[2.0, 0.5, -1.0, 0.0], [0.3, 0.1, 0.2, 0.9]], dtype=torch.float64, requires_grad=True)
    y, target = torch.tensor([0, 1]), torch.tensor([1, 3])
    (slope,) = torch.autograd.grad(_leads.entropy(logits, y, target).sum(), logits)
    (plain,) = torch.autograd.grad(nn.functional.cross_entropy(logits, y, reduction="sum"), logits)
    torch.testing.assert_close(slope / slope.norm(dim=1, keepdim=True), plain / plain.norm(dim=1, keepdim=True))
    assert _leads.ratio(logits, y, target)[0].item() == pytest.approx((0.5 - 2) / (2 - 0.0))
    assert _leads.aimed(logits, y, target)[0].item() == pytest.approx((0.5 - 2) / (2 - (0.0 - 1) / 2))
    for loss in (_leads.ratio, _leads.aimed):
        torch.testing.assert_close(loss(logits * 1e6, y, target), loss(logits, y, target))
    assert _leads.ranked(logits, y, 0).tolist() == [1, 3]
    assert _leads.ranked(logits, y, 2).tolist() == [2, 2]


class Deaf(nn.Module):
    """Outputs without a path back to the image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wrong = x.detach().flatten(1).sum(1)
        return torch.stack([wrong, -wrong], 1)


def test_a_classifier_without_gradients_is_named(samples: Samples) -> None:
    with pytest.raises(RunError, match="gives no gradients; `kind: square` needs none"):
        judge(APGD(threat=LINF), Deaf(), nn.Identity(), samples, seed=0, batch=24)


def test_to_aim_takes_a_margin() -> None:
    with pytest.raises(InputError, match="targets: 3 with loss ce"):
        plugin("attacks", {"kind": "apgd", "threat": {"norm": "linf", "eps": 0.1}, "targets": 3})
