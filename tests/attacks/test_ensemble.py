"""The ensemble: at least as strong as each of its parts, paid for where images stand, and honest about who fooled."""

from typing import Any

import pytest
import torch
from torch import nn

from robustgan.attacks._budget import Budget
from robustgan.attacks._ensemble import assault
from robustgan.attacks._parts import ClimbingPart, Part, SearchingPart, WalkingPart
from robustgan.attacks._siege import relay, untouched
from robustgan.attacks.ensemble import Ensemble
from robustgan.attacks.pgd import PGD
from robustgan.config import plugin
from robustgan.counting import Counted
from robustgan.errors import InputError, RunError
from robustgan.evaluation import judge
from robustgan.interfaces import L2, Linf, Samples, State
from tests.attacks.closed_form import LINF, Case, planes, planted
from tests.conftest import Linear

QUICK: tuple[Part, ...] = (
    ClimbingPart(steps=8),
    ClimbingPart(steps=8, loss="margin", targets=9),
    WalkingPart(steps=6),
    SearchingPart(queries=30),
)


@pytest.fixture
def case() -> Case:
    return planted()


def fresh(n: int) -> State:
    return State(nn.Identity(), torch.Generator(), tuple(range(n)), [""] * n)


class Rough(nn.Module):
    """A small network with k outputs that is curved enough for parts to differ."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=2), nn.Tanh(), nn.Conv2d(8, 8, 3), nn.Tanh(), nn.Flatten(),
            nn.Linear(128, classes),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(8 * x - 4)
        return logits


@pytest.mark.parametrize("classes", [2, 3, 4, 8])
def test_leaves_no_more_standing_than_any_part(classes: int) -> None:
    siege, _ = planes(classes)
    model = Rough(classes).eval().requires_grad_(False)
    siege = siege.__class__(model, siege.x, model(siege.x).argmax(1), siege.threat, siege.seeds, classes)
    solvers = [""] * len(siege.x)
    together = assault(siege, QUICK, solvers)
    alone = [relay(siege, [untouched, *part.attempts(classes)])[0].fooled for part in QUICK]
    assert 0 < together.fooled.sum() < len(siege.x)
    for fooled in alone:
        assert not (fooled & ~together.fooled).any()
    assert [bool(name) for name in solvers] == together.fooled.tolist()
    first = alone[0] & together.fooled
    assert {solvers[i] for i in first.nonzero().flatten().tolist()} == {"apgd-ce"}, "later parts get survivors only"


@pytest.mark.parametrize("threat", [LINF, L2(eps=0.25)], ids=["linf", "l2"])
def test_a_fall_is_one_of_the_image_that_is_written(threat: Linf | L2, case: Case) -> None:
    """At a budget where rounding decides: what the attack calls down, the harness judges to be wrong."""
    attack = Ensemble(threat=threat, parts=QUICK)
    state = fresh(400)
    attack.perturb(case.model, case.x, case.samples.labels, state)
    rows, _ = judge(attack, case.model, nn.Identity(), case.samples, seed=0, batch=400)
    wrong = rows["pred"].to_numpy() != case.samples.labels.numpy()
    assert 20 < wrong.sum() < 380
    assert (rows["solver"] != "").tolist() == wrong.tolist()
    assert abs(sum(map(bool, state.solvers)) - int(wrong.sum())) <= 3, "other seeds, nearly the same falls"
    if threat == LINF:
        assert (~wrong).sum() == (case.worst_linf(LINF.eps) < 0).sum()


def test_rounding_undoes_a_fall_and_is_not_counted() -> None:
    """The classifier looks at fractions of grey levels: any float attack fools it, no image that can be written."""

    class Fine(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            off = (x * 255 - (x * 255).round()).abs().mean((1, 2, 3))
            return torch.stack([torch.full_like(off, 0.01), off], 1)

    x = torch.randint(20, 230, (6, 3, 16, 16), generator=torch.Generator().manual_seed(0)).float() / 255
    y, state = torch.zeros(6, dtype=torch.long), fresh(6)
    x_adv = Ensemble(threat=LINF, parts=QUICK).perturb(Fine(), x, y, state)
    assert (Fine()(x_adv).argmax(1) == 1).any(), "as floats, it is fooled"
    assert state.solvers == [""] * 6


@pytest.mark.parametrize("classes", [2, 4])
def test_budgets_are_what_an_image_that_stands_costs(classes: int) -> None:
    model = Rough(classes)
    with torch.no_grad():
        model.layers[-1].weight *= 1e-3
        model.layers[-1].bias[0] += 9
    siege, _ = planes(classes)
    victim = Counted(model.eval(), gradients=True, images=4)
    zeros = torch.zeros(4, dtype=torch.long)
    assault(type(siege)(victim, siege.x[:4], zeros, siege.threat, siege.seeds[:4], classes), QUICK, [""] * 4)
    table = Ensemble(threat=LINF, parts=QUICK).budgets(classes)
    assert list(table) == ["apgd-ce", "apgd-targeted", "fab", "square"]
    assert (victim.backwards == sum(row.backwards for row in table.values())).all()
    assert (victim.forwards == 1 + sum(row.forwards for row in table.values())).all()
    assert table["apgd-targeted"].runs == (1 if classes == 2 else 3)


def test_the_standard_is_that_of_the_protocol() -> None:
    table = Ensemble(threat=LINF).budgets(classes=10)
    assert table == {
        "apgd-ce": Budget(1, 100, 100, 101),
        "apgd-targeted": Budget(9, 100, 900, 918),
        "fab": Budget(9, 100, 900, 1818),
        "square": Budget(1, 5000, 0, 5000),
    }


@pytest.mark.parametrize("batch", [1, 7])
def test_each_image_is_alone(batch: int, case: Case) -> None:
    few = Samples(case.samples.images[:21], case.samples.labels[:21], case.samples.rows[:21])
    attack = Ensemble(threat=LINF, parts=QUICK)
    whole, _ = judge(attack, case.model, nn.Identity(), few, seed=0, batch=21)
    parts, _ = judge(attack, case.model, nn.Identity(), few, seed=0, batch=batch)
    for column in ("pred", "queries", "backwards", "solver"):
        assert whole[column].tolist() == parts[column].tolist()


def test_no_scale_of_logits_hides_an_image(case: Case) -> None:
    sure = Linear(case.model.weight.detach() * 1e4, bias=float(case.model.bias.detach()) * 1e4)
    rows, _ = judge(Ensemble(threat=LINF, parts=QUICK), sure, nn.Identity(), case.samples, seed=0, batch=400)
    standing = (rows["pred"].to_numpy() == case.samples.labels.numpy()).sum()
    assert standing == (case.worst_linf(LINF.eps) < 0).sum()


def test_no_weaker_than_pgd(case: Case) -> None:
    model = Rough(2).eval()
    y = model(case.x).argmax(1)
    samples = Samples(case.samples.images, y, case.samples.rows)
    left = []
    for attack in (Ensemble(threat=Linf(eps=2 / 255), parts=QUICK), PGD(threat=Linf(eps=2 / 255))):
        rows, _ = judge(attack, model, nn.Identity(), samples, seed=0, batch=400)
        left.append(int((rows["pred"].to_numpy() == y.numpy()).sum()))
    assert 5 < left[0] <= left[1]


class Deaf(nn.Module):
    """Outputs without a path back to the image."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(x.detach()).detach()
        return logits


def test_without_gradients_square_decides(case: Case) -> None:
    rows, _ = judge(Ensemble(threat=LINF, parts=QUICK), Deaf(case.model), nn.Identity(), case.samples, 0, 400)
    assert set(rows["solver"]) == {"", "square"}
    with pytest.raises(RunError, match="gives no gradients"):
        judge(Ensemble(threat=LINF, parts=QUICK[:3]), Deaf(case.model), nn.Identity(), case.samples, 0, 400)
    asking = Ensemble(threat=LINF, parts=QUICK[3:])
    assert asking.access == "query"
    assert Ensemble(threat=LINF).access == "white-box"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "at least 1"),
        ([{"part": "apgd"}, {"part": "apgd", "steps": 5}], "found apgd-ce twice"),
        ([{"part": "pgd"}], "'apgd', 'fab', 'square'"),
        ([{"part": "square", "querys": 5}], "Did you mean `queries`"),
        ([{"part": "fab", "targets": 10}], "less than or equal to 9"),
    ],
)
def test_settings_that_are_refused(parts: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plugin("attacks", {"kind": "ensemble", "threat": {"norm": "linf", "eps": 0.1}, "parts": parts}, "attacks.0")
