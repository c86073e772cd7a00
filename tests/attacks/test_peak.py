"""PGD that lets images go once they fool: the same verdicts, fewer gradients, whatever the batch."""

from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
import torch
from torch import nn

from benchmarks.planted import network, problem
from robustgan.attacks import _peak
from robustgan.attacks.pgd import PGD
from robustgan.counting import Counted
from robustgan.evaluation import judge, to_8_bit, to_float
from robustgan.interfaces import L2, Linf, Samples, State
from tests.conftest import samples_of

THREATS = [Linf(eps=12 / 255), L2(eps=0.8)]


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return network(2)


@pytest.fixture(scope="module")
def many() -> Samples:
    x, y = problem(2, 40, seed=4)
    return samples_of((x * 255).round().to(torch.uint8), y)


def judged(model: nn.Module, many: Samples, batch: int = 40, **settings: object) -> pd.DataFrame:
    rows, _ = judge(PGD(**settings), model, nn.Identity(), many, seed=0, batch=batch)  # type: ignore[arg-type]
    return rows.assign(fooled=rows["pred"] != many.labels.numpy())


@pytest.mark.parametrize(("threat", "restarts"), [(THREATS[0], 1), (THREATS[1], 2)], ids=["linf", "l2-twice"])
def test_verdicts_are_those_of_whole_climbs_at_any_batch_size(
    threat: Linf | L2, restarts: int, model: nn.Module, many: Samples
) -> None:
    whole = judged(model, many, threat=threat, restarts=restarts)
    assert 0.2 < whole["fooled"].mean() < 0.9, "some stand, some fall"
    for batch in (1, 7, 40):
        found = judged(model, many, batch, threat=threat, restarts=restarts, until="fooled")
        assert (found["fooled"] | ~whole["fooled"]).all(), "never better for the classifier"
        assert found["fooled"].equals(whole["fooled"])
        assert (found.loc[~found["fooled"], "backwards"] == 20 * restarts).all()
        assert found.loc[found["fooled"], "backwards"].median() <= 10
        stood = ~found["fooled"]
        pd.testing.assert_series_equal(found.loc[stood, "score"], whole.loc[stood, "score"], atol=1e-4)


def test_more_steps_never_take_a_fall_back(model: nn.Module, many: Samples) -> None:
    fallen = [judged(model, many, threat=THREATS[0], steps=n, until="fooled")["fooled"] for n in (1, 3, 10, 20, 40)]
    assert fallen[0].sum() < fallen[-1].sum()
    for fewer, more in pairwise(fallen):
        assert (more | ~fewer).all()


class Rounding(nn.Module):
    """Linear in how far an image is from whole grey levels: what fools here never fools as 8 bits."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        levels = x * 255
        off = (levels - levels.detach().round()).abs().flatten(1).amax(1) - 0.1
        return torch.stack([torch.zeros_like(off), off], 1)


def test_no_image_goes_before_it_fools_as_it_would_be_written() -> None:
    x = torch.full((3, 3, 4, 4), 100 / 255)
    victim = Counted(Rounding(), gradients=True, images=3).eval()
    attack = PGD(threat=Linf(eps=2.6 / 255), steps=6, until="fooled")
    made = attack.perturb(victim, x, torch.zeros(3).long(), State(nn.Identity(), torch.Generator(), (1, 2, 3)))
    assert (Rounding()(made).argmax(1) == 1).all(), "as floats they fool"
    assert victim.backwards.tolist() == [6] * 3


def test_what_went_fools_as_8_bits(model: nn.Module, many: Samples) -> None:
    x, y = to_float(many.images), many.labels
    victim = Counted(model, gradients=True, images=40).eval()
    state = State(nn.Identity(), torch.Generator(), tuple(range(40)))
    made = PGD(threat=THREATS[0], until="fooled").perturb(victim, x, y, state)
    gone = victim.backwards < 20
    assert 8 < int(gone.sum()) < 40
    eight = to_float(to_8_bit(many.images, made, THREATS[0]))
    assert torch.equal(eight[gone], made[gone])
    assert (model(eight[gone]).argmax(1) != y[gone]).all()


def test_looking_seldom_changes_no_verdict(model: nn.Module, many: Samples) -> None:
    """On a GPU survivors are looked for every few steps: at the best points, which may be some steps old."""

    def peak(wait: int) -> tuple[list[bool], float]:
        from robustgan.attacks._siege import besieged

        attack = PGD(threat=THREATS[0])
        victim = Counted(model, gradients=True, images=40).eval()
        x, y = to_float(many.images), many.labels
        state = State(nn.Identity(), torch.Generator(), tuple(range(40)))
        found = _peak.Peak.before(replace(besieged(victim, x, y, attack.threat, state), wait=wait))
        found.climb(attack.start(x, state, 0), 20, attack.move, drop=True)
        eight = to_float(to_8_bit(many.images, found.found(), attack.threat))
        return (model(eight).argmax(1) != y).tolist(), float(victim.backwards.mean())

    (often, few), (seldom, more) = peak(1), peak(4)
    assert often == seldom
    assert few < more < 20
