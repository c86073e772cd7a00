"""The Square attack: queries counted as they are, images as they could be sent, never below what is possible."""

import numpy as np
import pytest
import torch
from torch import nn

from robustgan.attacks import _square
from robustgan.attacks._searching import Searching
from robustgan.attacks._siege import Siege, relay, untouched
from robustgan.attacks.noise import Noise
from robustgan.attacks.square import Square
from robustgan.counting import Counted
from robustgan.evaluation import judge
from robustgan.interfaces import L2, Linf, Samples, State
from tests.attacks.closed_form import LINF, Case, planes, planted
from tests.conftest import Linear


@pytest.fixture
def case() -> Case:
    return planted()


def robust(case: Case) -> int:
    return int((case.worst_linf(LINF.eps) < 0).sum())


def standing(attack: Square | Noise, case: Case, batch: int = 400) -> int:
    rows, _ = judge(attack, case.model, nn.Identity(), case.samples, seed=0, batch=batch)
    return int((rows["pred"].to_numpy() == case.samples.labels.numpy()).sum())


class Spy(nn.Module):
    """Keeps every image that it is shown."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.seen = model, []  # type: ignore[var-annotated]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert not torch.is_grad_enabled()
        self.seen.append(x.clone())
        logits: torch.Tensor = self.model(x)
        return logits


def state(n: int) -> State:
    return State(nn.Identity(), torch.Generator(), tuple(range(n)))


def test_more_queries_find_more_and_never_too_much(case: Case) -> None:
    left = [standing(Square(threat=LINF, queries=queries), case) for queries in (20, 100, 500)]
    assert left[0] > left[1] > left[2] >= robust(case)
    assert left[2] - robust(case) < 130, "part D: 111 of 222 stay hidden from 500 queries of the published Square"
    assert left[2] < standing(Noise(threat=LINF), case) - 60


def test_scale_and_missing_gradients_change_nothing(case: Case) -> None:
    class Masked(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = case.model(x).detach() * 1e4
            return logits

    plain, _ = judge(Square(threat=LINF, queries=60), case.model, nn.Identity(), case.samples, seed=0, batch=400)
    masked, _ = judge(Square(threat=LINF, queries=60), Masked(), nn.Identity(), case.samples, seed=0, batch=400)
    assert plain["pred"].tolist() == masked["pred"].tolist()
    assert plain["queries"].tolist() == masked["queries"].tolist()


def test_a_query_is_a_forward_pass_and_each_image_stops_alone(case: Case) -> None:
    attack = Square(threat=LINF, queries=30)
    assert attack.access == "query"
    rows, _ = judge(attack, case.model, nn.Identity(), case.samples, seed=0, batch=400)
    right = rows["pred"].to_numpy() == case.samples.labels.numpy()
    assert (rows["queries"][right] == 31).all(), "once as it is, then 30 changed images"
    assert rows["queries"][~right].between(2, 31).all()
    assert rows["queries"][~right].nunique() > 5
    assert (rows["backwards"] == 0).all()
    for batch in (1, 7):
        few = Samples(case.samples.images[:21], case.samples.labels[:21], case.samples.rows[:21])
        parts, _ = judge(attack, case.model, nn.Identity(), few, seed=0, batch=batch)
        assert parts["queries"].tolist() == rows["queries"][:21].tolist()
        assert parts["pred"].tolist() == rows["pred"][:21].tolist()


@pytest.mark.parametrize("threat", [Linf(eps=0.03), L2(eps=0.8)], ids=["linf", "l2"])
def test_only_what_could_be_sent_is_shown(threat: Linf | L2, case: Case) -> None:
    x, y = case.x[:6], case.samples.labels[:6]
    spy = Spy(case.model).eval()
    x_adv = Square(threat=threat, queries=25).perturb(spy, x, y, state(6))
    for shown in (*spy.seen, x_adv[case.model(x_adv).argmax(1) != y]):
        torch.testing.assert_close(shown * 255, (shown * 255).round(), rtol=0, atol=1e-4)
    only = Spy(Linear(torch.zeros(3, 16, 16), bias=-1.0))  # nothing fools: images keep their places
    Square(threat=threat, queries=25).perturb(only, x, torch.zeros(6, dtype=torch.long), state(6))
    assert len(only.seen) == 26
    assert all(float(threat.distance(x, shown).max()) <= threat.eps * (1 + 1e-5) for shown in only.seen)
    apart = {row.numpy().tobytes() for shown in only.seen for row in shown}
    assert len(apart) > 6 * 20, "no question is asked twice, but by chance"


@pytest.mark.parametrize("threat", [Linf(eps=8 / 255), L2(eps=2.0)], ids=["linf", "l2"])
def test_search_uses_the_whole_budget(threat: Linf | L2) -> None:
    x = torch.full((5, 3, 20, 24), 128 / 255)  # not a square; nothing clips
    siege = Siege(nn.Identity(), x, torch.zeros(5, dtype=torch.long), threat, tuple(range(5)), written=False)
    now = _square.begin(siege, 9)
    start = (_square.stripes if isinstance(threat, Linf) else _square.tiles)(now, siege)
    for asked in range(8):
        proposed = _square.step(now._replace(best=start), siege, asked, 9)
        torch.testing.assert_close(threat.distance(x, proposed), torch.full((5,), threat.eps))
        moved = (proposed != start).any(1)
        assert moved.any((1, 2)).sum() >= 3
        if isinstance(threat, Linf):
            torch.testing.assert_close((proposed - x).abs(), torch.full_like(x, threat.eps))
            side = round((_square.share(asked, 9) * 480) ** 0.5)
            assert moved.sum((1, 2)).max() <= min(side, 20) ** 2
        start = proposed


def test_pyramids_fall_off_and_come_in_pairs() -> None:
    heap = _square.pyramid(5, 5, torch.device("cpu"))
    assert heap[2, 2] == heap.max()
    assert torch.equal(heap, heap.flip(0))
    assert torch.equal(heap, heap.T)
    assert heap[2, 2] == pytest.approx(1 + 1 / 4 + 1 / 9)
    assert heap[0, 0] == pytest.approx(1 / 9)
    both = _square.pair(6, torch.device("cpu"))
    assert both.norm().item() == pytest.approx(1)
    assert both[:3].min() > 0 > both[3:].max()


def test_schedule_is_that_of_the_paper_stretched() -> None:
    marks = [0, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001]
    assert [_square.share(mark, 10_000) for mark in marks] == [0.8 / 2**step for step in range(10)]
    assert [_square.share(asked, 1000) for asked in (1, 2, 5, 6, 999)] == [0.8, 0.4, 0.4, 0.2, 0.8 / 512]


def test_places_are_spread_over_all_that_there_are() -> None:
    x = torch.zeros(2000, 3, 8, 6)
    top, left = _square.corners(torch.rand(2000, 2, generator=torch.Generator().manual_seed(0)), x, 4)
    assert np.bincount(top).shape == (5,)
    assert np.bincount(left).shape == (3,)
    assert np.bincount(left).min() > 550
    edge, _ = _square.corners(torch.full((1, 2), 1 - 1e-8), x, 4)
    assert edge.tolist() == [4]


@pytest.mark.parametrize("classes", [2, 3, 4, 8])
def test_any_number_of_classes(classes: int) -> None:
    siege, safe = planes(classes)
    found = relay(siege, [untouched, *Searching(queries=150).attempts(classes)])[0]
    assert not (found.fooled & safe).any()
    assert found.fooled.sum() > (~safe).sum() / 8


def test_l2_finds_some_on_a_linear_model() -> None:
    case = planted()
    few = Case(case.model, Samples(case.samples.images[:100], case.samples.labels[:100], case.samples.rows[:100]))
    threat = L2(eps=0.5)
    worst = few.clean_margin() + threat.eps * few.model.weight.norm()
    left = [standing(Square(threat=threat, queries=queries), few, batch=100) for queries in (1, 150)]
    assert int((worst < 0).sum()) <= left[1] < left[0] - 5


def test_counts_with_gradients_kept_back(case: Case) -> None:
    victim = Counted(case.model, gradients=False, images=8)
    Square(threat=LINF, queries=3).perturb(victim, case.x[:8], case.samples.labels[:8], state(8))
    assert victim.forwards.max() <= 4
