"""Closed forms: a linear model's worst case is known, and with it the number of robust images."""

from typing import Any

import pytest
import torch

from robustgan.attacks._margin import margin
from robustgan.attacks.fgsm import FGSM
from robustgan.attacks.noise import Noise
from robustgan.attacks.pgd import PGD
from robustgan.evaluation import judge
from robustgan.interfaces import L2, Attack, Linf
from tests.attacks.closed_form import LINF, Case, attacked, planted
from tests.conftest import Linear


@pytest.fixture
def case() -> Case:
    return planted()


@pytest.mark.parametrize("threat", [LINF, L2(eps=0.4)], ids=["linf", "l2"])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [(FGSM, {}), (PGD, {"steps": 60}), (PGD, {"random_start": False})],
    ids=["fgsm", "pgd", "bim"],
)
def test_margin_moves_by_eps_times_the_dual_norm(
    kind: type[FGSM | PGD], settings: dict[str, Any], threat: Linf | L2, linear: Linear
) -> None:
    x = 0.4 + 0.2 * torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(2))  # nothing clips
    y = torch.arange(32) % 2
    weight = linear.weight.detach().double()
    dual = weight.abs().sum() if isinstance(threat, Linf) else weight.norm()
    moved = attacked(kind(threat=threat, **settings), linear, x, y) - margin(linear(x), y).detach()
    torch.testing.assert_close(moved, torch.full((32,), float(threat.eps * dual)), rtol=2e-5, atol=0)


def test_pgd_finds_exactly_the_images_that_can_fall(case: Case) -> None:
    """Toolkits, part D: with clipping to [0, 1], in floats and on the written 8-bit images."""
    robust = int((case.worst_linf(LINF.eps) < 0).sum())
    assert 100 < robust < 300, "the case tells attacks apart"
    heights = attacked(PGD(threat=LINF), case.model, case.x, case.samples.labels)
    assert int((heights < 0).sum()) == robust
    torch.testing.assert_close(heights, case.worst_linf(LINF.eps), rtol=0, atol=2e-5)
    rows, _ = judge(PGD(threat=LINF), case.model, torch.nn.Identity(), case.samples, seed=0, batch=150)
    assert (rows["pred"].to_numpy() == case.samples.labels.numpy()).sum() == robust


def test_fgsm_is_exact_too_and_noise_is_not(case: Case) -> None:
    robust = int((case.worst_linf(LINF.eps) < 0).sum())
    found = {}
    for attack in (FGSM(threat=LINF), Noise(threat=LINF)):
        rows, _ = judge(attack, case.model, torch.nn.Identity(), case.samples, seed=0, batch=400)
        found[attack.kind] = int((rows["pred"].to_numpy() != case.samples.labels.numpy()).sum())
    assert found["fgsm"] == 400 - robust
    assert found["noise"] < found["fgsm"] / 4


def test_pgd_l2_finds_exactly_the_images_that_can_fall(linear: Linear) -> None:
    rng = torch.Generator().manual_seed(4)
    x = 0.3 + 0.4 * torch.rand(300, 3, 16, 16, generator=rng)  # nothing clips
    y = linear(x).argmax(1)
    threat = L2(eps=0.1)
    worst = margin(linear(x), y).detach() + threat.eps * linear.weight.detach().norm()
    x, y, worst = (part[worst.abs() > 1e-4] for part in (x, y, worst))
    robust = int((worst < 0).sum())
    assert 0.2 < robust / len(x) < 0.8
    assert int((attacked(PGD(threat=threat), linear, x, y) < 0).sum()) == robust


@pytest.mark.parametrize("attack", [FGSM(threat=LINF), PGD(threat=LINF)], ids=["fgsm", "pgd"])
def test_a_sure_model_is_no_hiding_place(attack: Attack, case: Case) -> None:
    """Logits times 10,000 change no decision, but leave cross-entropy without gradient (toolkits, part D)."""
    sure = Linear(case.model.weight.detach() * 1e4, bias=float(case.model.bias.detach()) * 1e4)
    rows, _ = judge(attack, sure, torch.nn.Identity(), case.samples, seed=0, batch=400)
    robust = int((case.worst_linf(LINF.eps) < 0).sum())
    assert (rows["pred"].to_numpy() == case.samples.labels.numpy()).sum() == robust


def test_l2_attack_survives_8_bits(case: Case) -> None:
    """Most changes in a small L2 budget are below one level; cut to whole levels, little would be left."""
    threat = L2(eps=0.25)
    rows, _ = judge(FGSM(threat=threat), case.model, torch.nn.Identity(), case.samples, seed=0, batch=400)
    assert rows["l2"].max() <= threat.eps * (1 + 1e-6)
    assert rows["l2"].min() > 0.8 * threat.eps
