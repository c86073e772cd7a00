"""The harness: it judges what would be written, and an attack that misbehaves fails its cell."""

import logging
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import tables
from robustgan.attacks.clean import Clean
from robustgan.attacks.noise import Noise
from robustgan.batches import Room
from robustgan.draws import seed_of
from robustgan.errors import InputError, RunError
from robustgan.evaluation import (
    Effort,
    judge,
    rows_of,
    to_8_bit,
    to_float,
    weights_digest,
)
from robustgan.interfaces import L2, Access, Attack, Linf, Samples, State, Unrestricted
from robustgan.operating import HALF, Placed
from robustgan.scoring import scores_of
from tests.conftest import Linear

LINF = Linf(eps=8 / 255)


class Odd(Attack):
    """Does one odd thing, named by `deed`."""

    threat: Linf | L2 | Unrestricted = LINF
    deed: str = ""

    def perturb(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor, state: State) -> torch.Tensor:
        found: torch.Tensor = getattr(self, self.deed)(model, x, y, state)
        return found

    def crashes(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        raise KeyError("no such layer")

    def refuses(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        raise InputError("the images must be square")

    def writes_into_its_input(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        return x.add_(0.01)

    def returns_fewer(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        return x[:-1]

    def returns_bytes(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        return (x * 255).to(torch.float64)

    def returns_nan(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        return torch.where(torch.arange(len(x)).view(-1, 1, 1, 1) == 3, torch.nan, x)

    def leaves_training_mode(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        model.train()
        return x + 0

    def changes_the_victim(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        next(model.parameters()).data.mul_(0)
        return x + 0

    def changes_labels_and_keeps_a_graph(
        self, model: nn.Module, x: torch.Tensor, y: torch.Tensor, state: State
    ) -> torch.Tensor:
        y.fill_(1)
        return x + torch.ones(1, requires_grad=True) * 0.01

    def goes_too_far(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        return x + 3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))

    def steps_by_seed(self, model: nn.Module, x: torch.Tensor, y: torch.Tensor, state: State) -> torch.Tensor:
        signs = torch.tensor([1.0 if seed % 2 else -1.0 for seed in state.seeds]).view(-1, 1, 1, 1)
        return x + signs * LINF.eps


class Nosy(Odd):
    """Says that it needs no access, and asks all the same."""

    access: ClassVar[Access] = "none"

    def asks(self, model: nn.Module, x: torch.Tensor, *_: object) -> torch.Tensor:
        model(x)
        return x + 0


def judged(attack: Attack, model: nn.Module, samples: Samples, batch: int = 24) -> tuple[pd.DataFrame, torch.Tensor]:
    return judge(attack, model, nn.Identity(), samples, 0, batch)


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        ("crashes", "KeyError: 'no such layer'"),
        ("writes_into_its_input", "wrote into its input"),
        ("returns_fewer", r"returned shape \(23, 3, 16, 16\), expected \(24, 3, 16, 16\)"),
        ("returns_bytes", "returned torch.float64"),
        ("returns_nan", "not finite"),
        ("leaves_training_mode", "training mode"),
        ("changes_the_victim", "weights of Linear changed"),
    ],
)
def test_an_attack_that_misbehaves_fails_its_cell(deed: str, message: str, linear: Linear, samples: Samples) -> None:
    with pytest.raises(RunError, match=message) as caught:
        judged(Odd(deed=deed, name="odd-one"), linear, samples)
    if deed != "changes_the_victim":
        assert "odd-one: " in str(caught.value)
        assert f"24 images ({samples.rows['image_id'].iloc[0][:12]}, " in str(caught.value)


def test_a_wrong_setting_stays_the_users_error(linear: Linear, samples: Samples) -> None:
    with pytest.raises(InputError, match="square"):
        judged(Odd(deed="refuses"), linear, samples)


def test_access_none_may_not_ask(linear: Linear, samples: Samples) -> None:
    with pytest.raises(RunError, match="access is `none`"):
        judged(Nosy(deed="asks"), linear, samples)


@pytest.mark.parametrize("threat", [LINF, L2(eps=2), L2(eps=12), Unrestricted()], ids=["linf", "l2", "l2-12", "none"])
def test_the_harness_brings_images_into_the_budget(
    threat: Linf | L2 | Unrestricted, linear: Linear, samples: Samples
) -> None:
    rows, eight = judged(Odd(deed="goes_too_far", threat=threat), linear, samples)
    change = (eight.double() - samples.images.double()) / 255
    np.testing.assert_allclose(rows["l2"], change.flatten(1).norm(dim=1))
    np.testing.assert_allclose(rows["linf"], change.flatten(1).abs().amax(1))
    if not isinstance(threat, Unrestricted):
        reached = rows[threat.norm]
        assert reached.max() <= threat.eps * (1 + 1e-6)
        assert reached.min() > 0.99 * threat.eps


def test_what_is_written_is_checked_once_more(linear: Linear, samples: Samples) -> None:
    too_far = (samples.images.int() + 9).clamp(0, 255).to(torch.uint8)
    effort = Effort(torch.zeros(24), torch.zeros(24), [""] * 24)
    with pytest.raises(RunError, match=r"odd-one: .* 0\.035294 away, the budget is linf 0\.031373"):
        rows_of(Odd(name="odd-one"), linear, samples, too_far, effort)
    with pytest.raises(RunError, match=r"the budget is l2 0\.5"):
        rows_of(Odd(threat=L2(eps=0.5)), linear, samples, too_far, effort)


def test_labels_and_graphs_stay_with_the_attack(linear: Linear, samples: Samples) -> None:
    before = samples.labels.clone()
    rows, _ = judged(Odd(deed="changes_labels_and_keeps_a_graph"), linear, samples)
    assert torch.equal(samples.labels, before)
    assert rows["linf"].max() > 0


def test_rows_are_those_of_a_slow_and_obvious_reference(linear: Linear, samples: Samples) -> None:
    rows, eight = judged(Noise(threat=LINF), linear, samples, batch=7)
    assert rows["image_id"].tolist() == samples.rows["image_id"].tolist()
    for prefix, images in (("clean_", samples.images), ("", eight)):
        for i, image in enumerate(images):
            benign, malignant = linear(to_float(image[None]))[0].double().tolist()
            score = float(rows[f"{prefix}score"].iloc[i])
            assert score == pytest.approx(1 / (1 + np.exp(benign - malignant)), abs=1e-6)
            assert rows[f"{prefix}pred"].iloc[i] == int(score >= HALF)
    identity = dict.fromkeys(("model", "source", "attack", "norm"), "x") | {"eps": 0.1, "seed": 0, "fold": 1}
    known = samples.rows[["image_id", "group", "slide", "subtype", "magnification", "label"]]
    tables.check(rows.drop(columns="float_pred").merge(known, on="image_id").assign(**identity), tables.PREDICTIONS)


def test_a_score_of_one_half_is_malignant(samples: Samples) -> None:
    rows, _ = judged(Clean(), Linear(torch.zeros(3, 16, 16)), samples)
    assert (rows["score"] == 0.5).all()
    assert (rows["pred"] == 1).all()


def test_clean_changes_nothing(linear: Linear, samples: Samples) -> None:
    rows, eight = judged(Clean(), linear, samples)
    assert torch.equal(eight, samples.images)
    assert rows["score"].tolist() == rows["clean_score"].tolist()
    assert not rows[["linf", "l2", "queries"]].to_numpy().any()


def test_seeds_are_those_of_attack_seed_and_image(linear: Linear, samples: Samples) -> None:
    inner = samples.images.clamp(20, 230)
    samples = Samples(inner, samples.labels, samples.rows)
    ids = samples.rows["image_id"].tolist()
    for batch in (1, 5, 24):
        _, eight = judged(Odd(deed="steps_by_seed", name="mine"), linear, samples, batch)
        up = (eight.int() - inner.int()).flatten(1).amax(1) > 0
        assert up.tolist() == [seed_of("perturb", "mine", 0, image) % 2 == 1 for image in ids]


def test_progress_reaches_the_number_of_images(linear: Linear, samples: Samples) -> None:
    seen: list[tuple[int, int, str]] = []
    judge(Clean(), linear, nn.Identity(), samples, 0, 10, lambda *now: seen.append(now))
    assert seen == [(10, 24, "clean"), (20, 24, "clean"), (24, 24, "clean")]


def test_no_images_is_an_error(linear: Linear, samples: Samples) -> None:
    nothing = Samples(samples.images[:0], samples.labels[:0], samples.rows.iloc[:0])
    with pytest.raises(RunError, match="clean: there are no images"):
        judged(Clean(), linear, nothing)


def test_a_budget_that_cannot_be_written_is_said(
    linear: Linear, samples: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        _, eight = judged(Noise(threat=Linf(eps=0.4 / 255)), linear, samples)
        assert "noise: eps is below one grey level" in caplog.text
        caplog.clear()
        judged(Noise(threat=Linf(eps=1 / 255)), linear, samples)
        assert not caplog.records
    assert torch.equal(eight, samples.images)


def test_outputs_that_are_not_finite_are_an_error(samples: Samples) -> None:
    with pytest.raises(RunError, match="outputs are not finite"):
        judged(Clean(), Linear(torch.full((3, 16, 16), torch.inf)), samples)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_verdicts_are_those_of_the_operating_point_and_scores_stay_the_models_own(
    threshold: float, linear: Linear, samples: Samples
) -> None:
    plain, _ = judged(Noise(threat=LINF), linear, samples)
    rows, _ = judged(Noise(threat=LINF), Placed(linear, threshold), samples)
    np.testing.assert_allclose(rows["score"], plain["score"])
    assert rows["pred"].tolist() == (plain["score"] >= threshold).astype(int).tolist()
    assert rows["clean_pred"].tolist() == (plain["clean_score"] >= threshold).astype(int).tolist()


def test_an_attack_sees_the_boundary_where_decisions_are_made(linear: Linear, samples: Samples) -> None:
    x = to_float(samples.images)
    logits = Placed(linear, 0.8)(x)
    assert torch.equal(logits[:, 1] >= logits[:, 0], linear(x).softmax(1)[:, 1] >= 0.8)


def test_scores_of_any_batch(linear: Linear, samples: Samples) -> None:
    digest = weights_digest(linear)
    whole, parts = scores_of(linear, samples.images, Room(24)), scores_of(linear, samples.images, Room(5))
    torch.testing.assert_close(whole, parts)
    torch.testing.assert_close(whole, linear(to_float(samples.images)).softmax(1)[:, 1].detach())
    assert weights_digest(linear) == digest


def test_names_of_the_harness_stay_where_they_were() -> None:
    assert to_8_bit.__module__ == "robustgan.quantise"
