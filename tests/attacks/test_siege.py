"""What strong attacks make of a budget that 8-bit images cannot use up."""

import pytest
import torch
from torch import nn

from robustgan.attacks._parts import ClimbingPart, Part, SearchingPart, WalkingPart
from robustgan.attacks._siege import writable_part
from robustgan.attacks.apgd import APGD
from robustgan.attacks.ensemble import Ensemble
from robustgan.attacks.fab import FAB
from robustgan.attacks.pgd import PGD
from robustgan.interfaces import L2, Attack, Linf, State
from tests.attacks.closed_form import planted

BETWEEN, WHOLE = Linf(eps=2.7 / 255), Linf(eps=2 / 255)
QUICK: tuple[Part, ...] = (ClimbingPart(steps=6), WalkingPart(steps=4), SearchingPart(queries=10))


def test_a_linf_budget_ends_at_a_whole_grey_level() -> None:
    for level in range(1, 256):
        assert writable_part(Linf(eps=level / 255)) == Linf(eps=level / 255)
        assert writable_part(Linf(eps=min((level + 0.99) / 255, 1))) == Linf(eps=level / 255)
    assert writable_part(Linf(eps=0.5 / 255)) == Linf(eps=0.5 / 255), "no other 8-bit image is in it"
    assert writable_part(L2(eps=0.5)) == L2(eps=0.5)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (PGD, {"steps": 6, "restarts": 2}),
        (PGD, {"steps": 6, "until": "fooled"}),
        (APGD, {"steps": 8}),
        (FAB, {"steps": 4}),
        (Ensemble, {"parts": QUICK}),
    ],
    ids=["pgd", "pgd-until-fooled", "apgd", "fab", "ensemble"],
)
def test_between_two_levels_attacks_are_those_of_the_lower_one(kind: type[Attack], settings: dict[str, object]) -> None:
    """What is above it cannot be written: a climb that ends there is rounded away from what it found."""
    case = planted()
    x, y = case.x[:40], case.samples.labels[:40]
    state = State(nn.Identity(), torch.Generator(), tuple(range(40)))
    made = [kind(threat=threat, **settings).perturb(case.model, x, y, state) for threat in (BETWEEN, WHOLE)]
    assert torch.equal(*made)
    assert not torch.equal(made[0], x)
