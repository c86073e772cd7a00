"""ART: parity with our own attacks, determinism image by image, settings checked before anything runs."""

import inspect
import logging
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from robustgan.attacks import _catalogue
from robustgan.attacks._margin import margin
from robustgan.attacks._seeded import seeded
from robustgan.attacks.art import PROBABILITIES, QUERY, Art
from robustgan.attacks.fgsm import FGSM
from robustgan.attacks.pgd import PGD
from robustgan.config import plugin
from robustgan.errors import InputError, RunError
from robustgan.evaluation import judge
from robustgan.interfaces import L2, Linf, Samples, State
from tests.conftest import Linear

PGD_OF_ART = "ProjectedGradientDescentPyTorch"
BUDGETS: list[Linf | L2] = [Linf(eps=6 / 255), L2(eps=0.5)]


@pytest.fixture(scope="module")
def convnet() -> nn.Module:
    torch.manual_seed(0)
    last = nn.Linear(72, 2)
    layers = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.Softplus(), nn.Conv2d(6, 8, 3, stride=2), nn.Softplus(),
        nn.Flatten(), last,
    )  # fmt: skip
    lead = layers(X)[:, 1] - layers(X)[:, 0]
    last.bias.data[1] -= lead.median().detach()  # half of the images on either side
    return layers.eval().requires_grad_(False)


@pytest.fixture
def x() -> torch.Tensor:
    return X.clone()


X = 0.25 + 0.5 * torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(1))  # nothing clips
Y = torch.arange(8) % 2  # wrong for about half of the images: an attack on the predicted label would go astray


def state(*seeds: int) -> State:
    return State(nn.Identity(), torch.Generator(), seeds or tuple(range(8)))


def global_numbers() -> str:
    """State of numpy's global generator."""
    return repr(np.random.get_state())  # noqa: NPY002


def art(method: str, threat: Linf | L2 = BUDGETS[0], **settings: Any) -> Art:
    return Art(method=method, threat=threat, **settings)


@pytest.mark.parametrize("threat", BUDGETS, ids=lambda threat: threat.norm)
def test_fgsm_is_that_of_art(threat: Linf | L2, convnet: nn.Module, x: torch.Tensor) -> None:
    ours = threat.project(x, FGSM(threat=threat).perturb(convnet, x, Y, state()))
    theirs = art("FastGradientMethod", threat, batched=True).perturb(convnet, x, Y, state())
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert (threat.distance(x, ours) > 0.9 * threat.eps).all()


@pytest.mark.parametrize("random_start", [False, True], ids=["own-start", "random-start"])
@pytest.mark.parametrize("threat", BUDGETS, ids=lambda threat: threat.norm)
def test_pgd_is_that_of_art(
    threat: Linf | L2,
    random_start: bool,
    convnet: nn.Module,
    x: torch.Tensor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same start and steps give the same last point (ours returns the best one: climbs are compared)."""
    from art.attacks.evasion.projected_gradient_descent import projected_gradient_descent_pytorch as module

    attack = PGD(threat=threat, steps=8, random_start=random_start)
    start = attack.start(x, state(), 0)
    monkeypatch.setattr(module, "random_sphere", lambda *_: (start - x).flatten(1).numpy())
    seen: list[torch.Tensor] = []
    hook = convnet.register_forward_hook(lambda _, shown, __: seen.append(shown[0].detach()))
    attack.perturb(convnet, x, Y, state())
    hook.remove()
    ours = seen[-1]
    told: dict[str, Any] = {"max_iter": 8, "num_random_init": int(random_start)}
    theirs = art(PGD_OF_ART, threat, parameters=told, batched=True).perturb(convnet, x, Y, state())
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert (margin(convnet(ours), Y) > margin(convnet(x), Y)).all(), "true labels, not predicted ones"


@pytest.mark.parametrize("method", ["SquareAttack", "HopSkipJump", "BoundaryAttack", "ProjectedGradientDescent"])
def test_random_numbers_belong_to_the_image(method: str, convnet: nn.Module, x: torch.Tensor) -> None:
    """HopSkipJump and BoundaryAttack start from a generator that they seed from the clock."""
    sizes: dict[str, dict[str, Any]] = {
        "HopSkipJump": {"max_eval": 30, "init_eval": 10},
        "BoundaryAttack": {"delta": 0.1},
    }
    init: dict[str, Any] = {"num_random_init": 2, "max_iter": 3} if "Gradient" in method else {"max_iter": 3}
    attack = art(method, L2(eps=2), parameters={**init, **sizes.get(method, {})})
    y = convnet(x).argmax(1)
    whole = attack.perturb(convnet, x[:3], y[:3], state(7, 8, 9))
    alone = attack.perturb(convnet, x[1:2], y[1:2], state(8))
    torch.testing.assert_close(alone[0], whole[1], atol=1e-6, rtol=0)
    other = attack.perturb(convnet, x[1:2], y[1:2], state(80))
    assert not torch.equal(other, alone)


def test_global_generators_are_given_back(convnet: nn.Module, x: torch.Tensor) -> None:
    before = global_numbers(), torch.get_rng_state()
    kept = np.random.RandomState
    art("SquareAttack", parameters={"max_iter": 2}).perturb(convnet, x[:2], Y[:2], state(1, 2))
    assert global_numbers() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert np.random.RandomState is kept


def test_borrowed_generators_are_given_back_after_a_crash() -> None:
    def numbers() -> list[float]:
        return [random.random(), np.random.random(), np.random.RandomState().rand(), float(torch.rand(()))]  # noqa: NPY002

    def borrowed() -> list[float]:
        with seeded(2**40 + 1) as drawn:
            assert not drawn()
            found = numbers()
            assert drawn()
            return found

    before = random.getstate(), global_numbers(), torch.get_rng_state()
    first = borrowed()
    with pytest.raises(ZeroDivisionError), seeded(5):
        _ = numbers()[0] / 0
    assert random.getstate() == before[0]
    assert global_numbers() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert borrowed() == first


def test_whole_batches_only_where_nothing_is_drawn(convnet: nn.Module, x: torch.Tensor) -> None:
    quiet = art("MomentumIterativeMethod", batched=True, parameters={"max_iter": 3})
    quiet.perturb(convnet, x, Y, state())
    for method in ("SquareAttack", "HopSkipJump"):
        with pytest.raises(RunError, match="set `batched: false`"):
            art(method, batched=True, parameters={"max_iter": 1}).perturb(convnet, x, Y, state())


def test_whole_batches_give_what_single_images_give(convnet: nn.Module, x: torch.Tensor) -> None:
    told: dict[str, Any] = {"max_iter": 4}
    attacks = [art("DeepFool", L2(eps=9), parameters=told, batched=batched) for batched in (True, False)]
    whole, single = (attack.perturb(convnet, x, Y, state()) for attack in attacks)
    torch.testing.assert_close(whole, single, atol=1e-5, rtol=0)


def test_methods_without_eps_find_the_nearest_image_and_are_projected(linear: Linear, samples: Samples) -> None:
    """DeepFool goes straight to the border of a linear model: a large budget holds it, a tiny one does not.

    Its default overshoot (1e-6) ends on the border, where 8 bits toss a coin; 10 % go beyond.
    """
    told: dict[str, Any] = {"epsilon": 0.1}
    far, near = (
        judge(art("DeepFool", L2(eps=eps), batched=True, parameters=told), linear, nn.Identity(), samples, 0, 24)[0]
        for eps in (20, 0.01)
    )
    clear = (far["clean_score"] - 0.5).abs() > 0.02
    assert (far["pred"] != far["clean_pred"])[clear].mean() > 0.9
    assert (near["pred"] == near["clean_pred"])[clear].all()


def test_everything_is_said_explicitly() -> None:
    fgm, pgd = (
        art("FastGradientMethod"),
        art(PGD_OF_ART, L2(eps=0.5), parameters={"eps_step": "1/10", "max_iter": 7}),
    )
    assert fgm.arguments(5) == {
        "norm": np.inf,
        "eps": 6 / 255,
        "eps_step": 1.5 / 255,
        "batch_size": 5,
        "targeted": False,
    }
    flags = {"batch_size": 1, "targeted": False, "verbose": False}
    assert pgd.arguments(1) == {"norm": 2, "eps": 0.5, "eps_step": 0.1, "max_iter": 7, **flags}
    assert "eps" not in art("DeepFool").arguments(1)


def test_the_victim_is_described_explicitly(convnet: nn.Module, x: torch.Tensor) -> None:
    victim = art("DeepFool").victim(convnet, x)
    assert [float(value) for value in victim.clip_values] == [0.0, 1.0]
    assert (victim.nb_classes, victim.input_shape, victim.channels_first) == (2, (3, 16, 16), True)
    np.testing.assert_allclose(victim.predict(x.numpy()), convnet(x).numpy(), atol=1e-6)


def test_images_stay_in_the_range_of_pixels(convnet: nn.Module) -> None:
    """ART clips only when told to (trap 1): white stays white."""
    x = torch.ones(2, 3, 16, 16)
    found = art("FastGradientMethod", Linf(eps=0.5)).perturb(convnet, x, Y[:2], state(1, 2))
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("method", sorted(PROBABILITIES))
def test_methods_that_want_probabilities_get_them(method: str, convnet: nn.Module, x: torch.Tensor) -> None:
    y = convnet(x).argmax(1)
    found = art(method, L2(eps=2), parameters={"max_iter": 1}).perturb(convnet, x[:1], y[:1], state(1))
    assert not torch.equal(found, x[:1])


def test_access_is_what_the_method_needs(linear: Linear, samples: Samples) -> None:
    """A query method runs without gradients; a method that needs them fails its cell without."""
    assert art("SquareAttack").access == "query"
    assert art("FastGradientMethod").access == "white-box"
    assert set(_catalogue.methods()) >= QUERY | PROBABILITIES
    asked: list[bool] = []

    class Watched(Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            asked.append(torch.is_grad_enabled())
            return super().forward(x)

    watched = Watched(linear.weight.detach())
    judge(art("SquareAttack", parameters={"max_iter": 2}), watched, nn.Identity(), samples, 0, 24)
    assert not any(asked)


def test_art_says_nothing(
    convnet: nn.Module, x: torch.Tensor, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """UniversalPerturbation runs DeepFool with its progress bar on, whatever `verbose` says."""
    attack = art("UniversalPerturbation", parameters={"max_iter": 1, "delta": 0.01})
    attack.perturb(convnet, x[:1], convnet(x[:1]).argmax(1), state(1))
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert logging.getLogger("art").level == logging.NOTSET


def test_a_crash_in_art_fails_the_cell(linear: Linear, samples: Samples) -> None:
    broken = art("FastGradientMethod", parameters={"num_random_init": -3})
    with pytest.raises(RunError, match=r"art-FastGradientMethod: failed on 24 images .*ValueError"):
        judge(broken, linear, nn.Identity(), samples, 0, 24)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "DeepFol"}, "found 'DeepFol'.*Did you mean `DeepFool`"),
        ({"method": "AutoAttack"}, "its DLR loss needs three classes"),
        ({"method": "AdversarialPatch"}, "makes a patch"),
        ({"method": "BrendelBethgeAttack"}, "no attack of ART on images"),
        ({"method": "ProjectedGradientDescentTensorFlowV2"}, "no attack of ART on images"),
        ({"method": "DPatch"}, "no attack of ART on images"),
        ({"method": "DeepFool", "parameters": {"max_iters": 3}}, "Did you mean `max_iter`"),
        ({"method": "DeepFool", "parameters": {"eps": 3}}, "`threat.eps` sets"),
        ({"method": PGD_OF_ART, "parameters": {"norm": 2}}, "`threat.norm` sets"),
        ({"method": PGD_OF_ART, "parameters": {"targeted": True}}, "stays off"),
        ({"method": PGD_OF_ART, "parameters": {"summary_writer": True}}, "writes no files"),
        ({}, "method: a required setting is missing"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        plugin("attacks", {"kind": "art", "threat": {"norm": "linf", "eps": 0.1}, **settings}, "attacks.0")


def test_label_names_the_method() -> None:
    assert art("DeepFool").label == "art-DeepFool"
    assert art("DeepFool", name="mine").label == "mine"


def test_catalogue_is_what_art_says_when_it_runs() -> None:
    """Methods, requirements and parameters read from the source are those of the imported classes."""
    from art.attacks import evasion

    known = _catalogue.methods()
    assert {"FastGradientMethod", "DeepFool", "SquareAttack", "HopSkipJump", "CarliniL2Method"} <= set(known)
    for name in known:
        cls = getattr(evasion, name)
        assert _catalogue.parameters(name) == list(inspect.signature(cls.__init__).parameters)[2:]
        flat = [part for each in cls._estimator_requirements for part in (each if isinstance(each, tuple) else (each,))]
        assert _catalogue.requirements(name, _catalogue.listed()[name]) == {part.__name__ for part in flat}
    assert all(hasattr(evasion, name) for name in _catalogue.ELSEWHERE)
