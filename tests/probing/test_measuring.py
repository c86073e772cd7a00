"""Probing as a whole: the same rows again, the budget kept, work counted, and what a classifier does not give."""

from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import probing, strength, tables
from robustgan.experiment import Strength
from robustgan.interfaces import L2, Linf, Samples
from robustgan.operating import Placed
from tests.conftest import Linear

RULE = Strength(images=20, threat=Linf(eps=8 / 255))


def checked(rows: pd.DataFrame, facts: dict[str, Any]) -> pd.DataFrame:
    frame = tables.check(rows.assign(model="m", fold=1), tables.PROBES)
    return strength.checks(frame, {"m": {"1": facts}}, tables.empty(tables.PREDICTIONS)).set_index("check")


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
