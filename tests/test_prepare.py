"""A prepared classifier answers as the original does, or is the original."""

import threading
from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest
import torch
from torch import nn

from robustgan import evaluation
from robustgan.attacks.pgd import PGD
from robustgan.config import plugin
from robustgan.counting import Counted
from robustgan.evaluation import judge
from robustgan.freezing import weights_digest
from robustgan.interfaces import Linf, Samples
from robustgan.operating import Placed
from robustgan.prepare import ROUGH, Mixed, Prepared, prepared
from tests.conftest import Linear
from tests.test_folding import norms, shaken

COMPACT = {"kind": "densenet", "variant": "compact", "growth_rate": 8, "block_config": (2, 3, 2), "stem": "half"}


def built(seed: int = 0, **settings: Any) -> nn.Module:
    torch.manual_seed(seed)
    return shaken(plugin("models", settings).build(), seed)


def small(*tail: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)
    return shaken(nn.Sequential(*layers, *tail))  # type: ignore[return-value]


def mean(*layers: nn.Module) -> nn.Sequential:
    return small(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))


def gradient(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad((model(x)[:, 1] - model(x)[:, 0]).sum(), x)[0]


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        (COMPACT, 10),
        (COMPACT | {"stem": "quarter", "drop_rate": 0.5}, 10),
        ({"kind": "densenet", "variant": "densenet121"}, 62),  # 59 of its 121 norms follow a convolution
        ({"kind": "resnet"}, 0),
    ],
    ids=["compact", "compact-quarter", "densenet121", "resnet"],
)
def test_logits_and_gradients_are_those_of_the_original(settings: dict[str, Any], left: int) -> None:
    model = built(**settings)
    x = torch.rand(3, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    before = weights_digest(model)
    found = prepared(model, x)
    assert isinstance(found, Prepared)
    assert found.layout == torch.channels_last
    assert norms(found) == left < norms(model)
    torch.testing.assert_close(found(x), model(x), atol=1e-4, rtol=0)
    wanted = gradient(model, x)
    torch.testing.assert_close(gradient(found, x), wanted, atol=1e-3 * float(wanted.abs().max()), rtol=0)
    assert weights_digest(model) == before
    assert not any(p.requires_grad for p in found.parameters())
    assert not any(module.training for module in found.modules())


def test_the_same_classifier_is_prepared_the_same() -> None:
    model, x = built(**COMPACT), torch.rand(2, 3, 48, 48)
    one, two = prepared(model, x), prepared(model, 1 - x)
    assert weights_digest(one) == weights_digest(two)
    assert torch.equal(one(x), two(x))


def test_an_operating_point_and_dropout_are_kept() -> None:
    model = Placed(mean(nn.Dropout(0.9)).train(), 0.2)
    x = torch.rand(4, 3, 16, 16)
    found = prepared(model, x)
    assert isinstance(found, Prepared)
    assert model.model.training, "the original is left as it is"
    torch.testing.assert_close(found(x), model.eval()(x), atol=1e-5, rtol=0)


def test_code_that_views_images_as_vectors_keeps_channels_first() -> None:
    class View(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.view(x.size(0), -1)

    model, x = small(View(), nn.Linear(200, 2)), torch.rand(3, 3, 16, 16)
    found = prepared(model, x)
    assert isinstance(found, Prepared)
    assert found.layout == torch.contiguous_format
    assert norms(found) == 0
    torch.testing.assert_close(found(x), model(x), atol=1e-5, rtol=0)


class Hidden(nn.Module):
    """Goes round its block: what is folded there would be wrong here."""

    def __init__(self) -> None:
        super().__init__()
        self.block, self.conv = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)), nn.Conv2d(8, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.amax() < 0:
            return x
        return self.conv(self.block[0](x)).mean((2, 3))


def test_a_folding_that_would_change_the_answers_is_not_used() -> None:
    model, x = shaken(Hidden()), torch.rand(2, 3, 16, 16)
    found = prepared(model, x)
    assert isinstance(found, Prepared)
    assert norms(found) == 1
    torch.testing.assert_close(found(x), model(x), atol=1e-5, rtol=0)


class Random(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 0.1 * torch.randn_like(x)


def test_random_answers_are_random_in_the_same_way() -> None:
    model, x = mean(Random()), torch.rand(2, 3, 16, 16)
    found = prepared(model, x)
    assert isinstance(found, Prepared)
    torch.manual_seed(0)
    wanted = model(x)
    torch.manual_seed(0)
    torch.testing.assert_close(found(x), wanted, atol=1e-5, rtol=0)
    assert not torch.equal(found(x), found(x))


class Locked(nn.Module):
    """Cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Fussy(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("not these images")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Linear(torch.randn(3, 16, 16)).eval(),
        lambda: mean(Locked()),
        lambda: mean(Fussy()),
        lambda: nn.Sequential(nn.Conv2d(3, 2, 4, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        lambda: torch.export.export(mean(), (torch.rand(2, 3, 16, 16),)).module(),
    ],
    ids=["no-convolutions", "cannot-be-copied", "refuses", "patches", "exported"],
)
def test_others_are_left_alone(make: Callable[[], nn.Module]) -> None:
    model = make()
    torch.manual_seed(3)
    assert prepared(model, torch.rand(2, 3, 16, 16)) is model
    after = torch.rand(1)
    torch.manual_seed(3)
    torch.rand(2, 3, 16, 16)
    assert torch.equal(after, torch.rand(1)), "no random number was taken"


class Deaf(nn.Module):
    """Answers without gradients."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.detach()


def test_no_gradients_stay_no_gradients() -> None:
    model = Counted(mean(Deaf()), gradients=True)
    found = prepared(model.model, torch.rand(2, 3, 16, 16))
    assert isinstance(found, Prepared)
    assert not found(torch.rand(2, 3, 16, 16, requires_grad=True)).requires_grad


class Lying(torch.autograd.Function):
    """Gives back another gradient where images come with their channels last."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.last = x.is_contiguous(memory_format=torch.channels_last)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return -gradients[0] if ctx.last else gradients[0]


class Sided(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Lying.apply(x)  # type: ignore[no-untyped-call, no-any-return]


def test_a_form_with_other_gradients_is_not_used() -> None:
    model, x = mean(Sided()), torch.rand(2, 3, 16, 16)
    found = prepared(model, x)
    assert not isinstance(found, Prepared) or found.layout == torch.contiguous_format
    torch.testing.assert_close(gradient(found, x), gradient(model, x), atol=1e-5, rtol=1e-3)


def test_memory_that_runs_out_is_not_taken_for_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    model = mean()
    monkeypatch.setattr(model[0], "forward", full)
    with pytest.raises(torch.OutOfMemoryError):
        prepared(model, torch.rand(2, 3, 16, 16))


def test_half_precision_is_for_gradients_and_answers_are_those_of_float32() -> None:
    model, x = built(**COMPACT), torch.rand(4, 3, 48, 48)
    found = prepared(model, x, torch.bfloat16)
    whole, climbed = prepared(model, x), found(x.clone().requires_grad_()).detach()
    assert torch.equal(found(x), whole(x))
    with torch.no_grad():
        assert torch.equal(found(x.clone().requires_grad_()), whole(x))
    assert climbed.dtype == torch.float32
    assert 0 < float((climbed - whole(x)).abs().max()) < 0.05 * max(1.0, float(whole(x).abs().max()))
    wanted, rough = gradient(whole, x), gradient(found, x)
    assert rough.dtype == torch.float32
    assert 0 < float((rough - wanted).norm()) < ROUGH * float(wanted.norm())
    assert next(model.parameters()).dtype == torch.float32
    assert not any(p.requires_grad for p in found.parameters())


class Deaf16(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no kernel for bfloat16")
        return x


class Rounded(nn.Module):
    """Its gradient leads elsewhere once what comes in was rounded to bfloat16."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(3e4 * x)


@pytest.mark.parametrize("part", [Deaf16(), Rounded()], ids=["refuses", "gradients-are-lost"])
def test_gradients_that_bfloat16_spoils_stay_in_float32(part: nn.Module) -> None:
    model, x = mean(part), torch.rand(2, 3, 16, 16)
    found, whole = prepared(model, x, torch.bfloat16), prepared(model, x)
    assert not isinstance(found, Mixed)
    torch.testing.assert_close(gradient(found, x), gradient(whole, x), atol=0, rtol=0)


def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile without generating code: that takes minutes on a CPU, and what is asked here does not depend on it.

    What checks types in these tests cannot be compiled, so it rests; no user has it.
    """
    real = torch.compile
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    monkeypatch.setattr(torch, "compile", lambda model, **more: real(model, backend="aot_eager", **more))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_compiled_it_answers_alike_for_batches_of_any_size(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    traced(monkeypatch)
    model = mean()
    found, whole = (prepared(model, torch.rand(1, 3, 16, 16), dtype, compiled) for compiled in (True, False))
    compiled = [found.answers, found.slopes] if isinstance(found, Mixed) else [found]
    assert [hasattr(one, "_orig_mod") for one in compiled] == [True] * (1 if dtype == torch.float32 else 2)
    for size in (1, 2, 5, 3):
        x = torch.rand(size, 3, 16, 16)
        torch.testing.assert_close(found(x), whole(x), rtol=0, atol=1e-5)
        wanted = gradient(whole, x)
        assert float((gradient(found, x) - wanted).norm()) <= (1e-4 if dtype == torch.float32 else 0.1) * wanted.norm()


def broken(model: nn.Module, **_: object) -> nn.Module:
    raise RuntimeError("no compiler here")


class Off(nn.Module):
    def __init__(self, model: nn.Module, **_: object) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(x)
        return logits * 1.001


@pytest.mark.parametrize("compiler", [broken, Off], ids=["fails", "answers-otherwise"])
def test_what_does_not_compile_well_is_used_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, compiler: Any
) -> None:
    monkeypatch.setattr(torch, "compile", compiler)
    found = prepared(mean(), torch.rand(1, 3, 16, 16), compiled=True)
    assert isinstance(found, Prepared)
    assert "is used uncompiled" in caplog.text


def test_on_a_cpu_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch, samples: Samples) -> None:
    asked: list[nn.Module] = []
    monkeypatch.setattr(torch, "compile", lambda model, **_: asked.append(model) or model)
    attack = PGD(threat=Linf(eps=8 / 255), steps=1)
    with evaluation.ready(attack, mean(), nn.Identity(), samples, 0, 4, compiled=True) as duel:
        assert isinstance(duel.victim, Prepared)
    assert not asked
    prepared(mean(), torch.rand(1, 3, 16, 16), compiled=True)  # else, and where it is not a matter of the device
    assert len(asked) == 1


def test_the_harness_attacks_the_prepared_classifier_and_judges_with_the_given_one(samples: Samples) -> None:
    model = mean()
    asked = []
    model.register_forward_hook(lambda *_: asked.append(torch.is_grad_enabled()))
    rows, written = judge(PGD(threat=Linf(eps=4 / 255), steps=3), model, nn.Identity(), samples, seed=0, batch=10)
    assert (rows["queries"] == 4).all()
    assert (rows["backwards"] == 3).all()
    again = model(written.float() / 255).softmax(1)[:, 1]
    torch.testing.assert_close(torch.tensor(rows["score"].to_numpy()).float(), again, atol=0, rtol=1e-5)


def test_verdicts_are_those_of_an_attack_on_the_original(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    model = built(**COMPACT)
    with torch.no_grad():  # labels as it gives them, moved to the middle: some stand, some fall
        model.backbone.classifier.bias += torch.tensor([1.0, -1.0]) * float(spread(model(samples.images / 255)))
        y = model(samples.images / 255).argmax(1)
    some, attack = Samples(samples.images, y, samples.rows), PGD(threat=Linf(eps=1 / 255), steps=5, until="fooled")
    quick, _ = judge(attack, model, nn.Identity(), some, seed=0, batch=24)
    monkeypatch.setattr(evaluation, "prepared", lambda model, *_: model)
    plain, _ = judge(attack, model, nn.Identity(), some, seed=0, batch=24)
    assert quick["pred"].tolist() == plain["pred"].tolist()
    assert 0 < int((quick["pred"] != y.numpy()).sum()) < len(y)


def spread(logits: torch.Tensor) -> torch.Tensor:
    return (logits[:, 1] - logits[:, 0]).median() / 2


def test_an_attack_that_changes_the_prepared_classifier_fails(samples: Samples) -> None:
    from robustgan.errors import RunError

    class Vandal(PGD):
        def perturb(self, model: Any, x: Any, y: Any, state: Any) -> Any:
            next(model.parameters()).data += 1
            return x

    with pytest.raises(RunError, match="changed while they had to stay frozen"):
        judge(Vandal(threat=Linf(eps=4 / 255)), mean(), nn.Identity(), samples, seed=0, batch=24)
