"""Probing as a whole: the same rows again, the budget kept, work counted, and what a classifier does not give."""

import logging
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import probing, strength, tables
from robustgan.errors import MemoryShortError, RunError
from robustgan.experiment import Strength
from robustgan.interfaces import L2, Linf, Samples
from robustgan.operating import Placed
from robustgan.prepare import Prepared
from robustgan.probing import measuring
from tests.conftest import Linear
from tests.cramped import Cramped
from tests.strength.planted import keeping_up

RULE = Strength(images=20, threat=Linf(eps=8 / 255))


def checked(rows: pd.DataFrame, facts: dict[str, Any]) -> pd.DataFrame:
    frame = tables.check(rows.assign(model="m", fold=1), tables.PROBES)
    return strength.checks(frame, {"m": {"1": facts}}, keeping_up(frame)).set_index("check")


def right(linear: Linear, samples: Samples) -> Samples:
    """The same images with the labels that the classifier gives."""
    with torch.no_grad():
        labels = linear(samples.images.float() / 255).argmax(1)
    return Samples(samples.images, labels, samples.rows.assign(label=labels.numpy()))


def test_the_same_settings_give_the_same_rows_and_the_classifier_stays_as_it_was(
    linear: Linear, samples: Samples
) -> None:
    state = torch.get_rng_state()
    rows, facts = probing.measure(linear, right(linear, samples), RULE, 0)
    again, others = probing.measure(linear, right(linear, samples), RULE, 0)
    pd.testing.assert_frame_equal(rows, again)
    assert facts == others
    assert torch.equal(state, torch.get_rng_state())
    assert all(p.requires_grad for p in linear.parameters())
    assert not linear._forward_hooks
    assert facts["backwards"] < 400 * 20  # gradients an image: 128 images cost about 46,000
    assert facts["forwards"] < 800 * 20


@pytest.mark.parametrize("threat", [Linf(eps=8 / 255), L2(eps=0.5)])
def test_both_norms_are_probed_and_a_linear_classifier_is_not_accused(
    linear: Linear, samples: Samples, threat: Linf | L2
) -> None:
    rows, facts = probing.measure(linear, right(linear, samples), Strength(images=20, threat=threat), 0)
    frame = checked(rows, facts)
    assert set(frame.loc[list(strength.REQUIRED), "status"]) <= {"pass", "warn"}, frame["found"]
    assert set(rows["norm"]) == {threat.norm}


def test_a_classifier_without_gradients_is_asked_for_none(linear: Linear, samples: Samples) -> None:
    rows, facts = probing.measure(linear, right(linear, samples), RULE, 0, access="query")
    assert facts["backwards"] == 0
    assert set(rows["probe"]) == {"black-box", "noise", "transfer"}
    frame = checked(rows, facts)
    assert frame.loc["zero gradients", "found"] == "not measured: the classifier gives no gradients"
    assert not strength.verdict(frame.reset_index()).strong


def test_labels_are_those_of_the_operating_point(linear: Linear, samples: Samples) -> None:
    some = right(linear, samples)
    rows, facts = probing.measure(Placed(linear, 0.999), some, RULE, 0)
    half = probing.measure(linear, some, RULE, 0)[1]
    assert facts["right"] < half["right"]
    assert (rows["clean_pred"] == rows["label"]).all()


class Broken(nn.Module):
    """Not a number for one image of four."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((1, 2, 3))
        return torch.stack([mean, torch.where(torch.arange(len(x)) % 4 == 0, torch.nan, mean)], 1)


def test_outputs_that_are_no_numbers_end_the_probing(samples: Samples) -> None:
    rows, facts = probing.measure(Broken(), samples, RULE, 0)
    assert rows.empty
    assert facts["not_finite"] == 5
    frame = checked(rows, facts)
    assert frame.loc["outputs", "status"] == "fail"
    assert set(frame.drop("outputs")["status"]) <= {"not run", "pass"}


class Searching(nn.Module):
    """Climbs its own margin a little before it answers."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            free = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.model(free).sum(), free)
        return self.model(x + 1e-3 * slope.sign())


class Remembering(nn.Module):
    """Answers wrong once it was asked often."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.asked = model, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.asked += len(x)
        return self.model(x) * (-1 if self.asked > 2000 else 1)


@pytest.mark.parametrize(("trick", "check"), [(Searching, "outputs"), (Remembering, "memory")])
def test_a_classifier_that_does_more_than_answer(
    linear: Linear, samples: Samples, trick: type[nn.Module], check: str
) -> None:
    frame = checked(*probing.measure(trick(linear).eval(), right(linear, samples), RULE, 0))
    assert frame.loc[check, "status"] == "fail"


class Wary(nn.Module):
    """Two convolutions, answered in reverse once gradients were taken of them `patience` times."""

    def __init__(self, patience: int) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 2),
        )  # fmt: skip
        self.patience = patience

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(x * 6 - 3)
        if x.requires_grad:
            self.patience -= 1
        return logits if self.patience > 0 else -logits


def wary(samples: Samples, patience: int = 10**6) -> tuple[nn.Module, Samples]:
    model = Wary(patience).eval()
    with torch.no_grad():
        odds = model(samples.images.float() / 255)
        model.layers[-1].bias[1] -= (odds[:, 1] - odds[:, 0]).median()  # type: ignore[index,operator]
        labels = model(samples.images.float() / 255).argmax(1)
    return model, Samples(samples.images, labels, samples.rows.assign(label=labels.numpy()))


def test_the_copy_that_is_attacked_changes_no_verdict(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    model, some = wary(samples)
    asked: list[nn.Module] = []
    quick = measuring.prepared
    monkeypatch.setattr(measuring, "prepared", lambda *given: asked.append(quick(*given)) or asked[-1])
    rows, facts = probing.measure(model, some, RULE, 0)
    assert isinstance(asked[0], Prepared)
    monkeypatch.setattr(measuring, "prepared", lambda model, like: model)
    plain, others = probing.measure(model, some, RULE, 0)
    assert 0 < (rows["pred"] != rows["label"]).mean() < 1
    assert (rows["pred"] == plain["pred"]).mean() > 0.999
    assert checked(rows, facts)["status"].equals(checked(plain, others)["status"])
    assert facts["backwards"] == others["backwards"]
    assert facts["forwards"] == others["forwards"]


@pytest.mark.parametrize("patience", [40, 200])
def test_what_attacks_leave_behind_in_the_copy_is_seen(samples: Samples, patience: int) -> None:
    """With 200, what is asked of the classifier itself does not wear it out: its copy alone turns around."""
    facts = probing.measure(*wary(samples, patience), RULE, 0)[1]
    assert facts["repeat_flips"] == 0
    assert facts["drift"] > 0


def test_probes_go_on_with_smaller_batches_to_the_same_verdicts(
    linear: Linear, samples: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    some = right(linear, samples)
    rows, facts = probing.measure(linear, some, RULE, 0)
    with caplog.at_level(logging.WARNING):
        tight, others = probing.measure(Cramped(linear, 6), some, RULE, 0)
    pd.testing.assert_frame_equal(tight, rows, check_exact=False, rtol=1e-4)
    assert others["failures"] == facts["failures"] == {}
    assert others["zero_gradients"] == facts["zero_gradients"]
    found = [record.getMessage().split(":")[0] for record in caplog.records]
    assert found.count("answers") > 1
    assert set(found) == {"answers"}  # what fits was known before the first attack


def test_a_probe_for_which_one_image_is_too_many_says_nothing_about_the_classifier(
    linear: Linear, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Cramped(linear, 64)

    def shrink(*_: object) -> dict[str, Any]:
        model.most = 0
        return {"gradient_error": "planted: on to the attacks that need none"}

    monkeypatch.setattr(measuring.gradients, "gradients", shrink)
    with pytest.raises(MemoryShortError, match="with a batch of one image"):
        probing.measure(model, right(linear, samples), RULE, 0)


def test_a_probe_that_fails_takes_its_check_with_it(
    linear: Linear, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = measuring.judged

    def failing(attack: Any, *rest: Any) -> Any:
        if getattr(attack, "steps", 0) == 40:
            raise RunError("out of memory")
        return run(attack, *rest)

    monkeypatch.setattr(measuring, "judged", failing)
    frame = checked(*probing.measure(linear, right(linear, samples), RULE, 0))
    assert frame.loc["iterations", "found"] == "not measured: iterations 40 failed in fold 1 (out of memory)"
    assert not strength.verdict(frame.reset_index()).strong
