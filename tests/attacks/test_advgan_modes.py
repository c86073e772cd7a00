"""Directions and universal changes of AdvGAN, and what `checks.json` says about them."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from robustgan import evaluation
from robustgan.attacks import _checks
from robustgan.attacks._change import bounded
from robustgan.attacks._goal import concerned
from robustgan.attacks._validation import recognised
from robustgan.attacks.advgan import AdvGAN
from robustgan.errors import InputError
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal
from tests.attacks.planted import LINF, QUICK, Fitted, fooled, planted, weak

SHORT = {"epochs": 3}


@pytest.mark.parametrize(("goal", "label"), [("hide", 1), ("invent", 0)])
def test_a_goal_turns_its_class_and_leaves_the_other_as_it_is(tmp_path: Path, goal: str, label: int) -> None:
    fitted, test = Fitted(tmp_path, weak(), goal=goal), planted(3)
    rows, images = evaluation.judge(fitted.attack, weak(), fitted.network, test, seed=0, batch=32)
    other = test.labels != label
    assert torch.equal(images[other], test.images[other])
    mine = (~other).numpy()
    assert fooled(rows[mine], test.labels[~other]) > 0.4
    assert fooled(rows[~mine], test.labels[other]) == 0  # to hide changes sensitivity only, to invent specificity only
    assert fitted.checks["validation"]["any"] == fitted.checks["validation"][goal]
    opposite = {"hide": "invent", "invent": "hide"}[goal]
    assert fitted.checks["validation"][opposite]["images"] == 0
    assert fitted.checks["validation"][opposite]["success"] is None
    assert fitted.checks["validation"]["one_sidedness"] is None


def test_a_goal_whose_class_is_missing_is_refused(tmp_path: Path) -> None:
    train, attack = planted(1, 16), AdvGAN.read({"threat": LINF, **QUICK, "goal": "hide"})
    benign = train.labels == 0
    only = Samples(train.images[benign], train.labels[benign], train.rows[benign.numpy()])
    state = State(attack.build(), torch.Generator())
    for sides, name in (((only, train), "training"), ((train, only), "validation")):
        with pytest.raises(InputError, match=f"goal: found `hide`, which needs malignant .* of the 8 {name} images"):
            attack.fit(weak(), *sides, state, Journal(tmp_path))


def test_images_keep_their_rows_when_a_class_is_left_out() -> None:
    some = planted(1, 8)
    kept = concerned(some, "hide", "training")
    assert kept.labels.tolist() == [1, 1, 1, 1]
    assert kept.rows["image_id"].tolist() == some.rows["image_id"].tolist()[1::2]
    assert torch.equal(kept.images, some.images[1::2])


@pytest.fixture(scope="module")
def universal(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return Fitted(tmp_path_factory.mktemp("universal"), weak(), form="universal")


def test_a_universal_change_is_one_a_label_in_budget_and_fools(universal: Fitted) -> None:
    test = planted(3)
    middle = Samples(test.images.clamp(10, 245), test.labels, test.rows)  # no pixel is cut at black or white
    rows, images = evaluation.judge(universal.attack, weak(), universal.network, middle, seed=0, batch=7)
    change = images.int() - middle.images.int()
    for label in (0, 1):
        mine = change[test.labels == label]
        assert torch.equal(mine, mine[:1].expand_as(mine))
    assert not torch.equal(change[0], change[1])
    assert 0 < change.abs().max() <= 8
    assert fooled(rows, test.labels) > 0.4
    for goal in ("hide", "invent"):
        assert universal.checks["validation"][goal]["cosine"] == pytest.approx(1.0)


def test_a_universal_change_for_another_size_is_refused(universal: Fitted) -> None:
    with pytest.raises(InputError, match=r"form: .* images of 16 x 16 pixels, found 32 x 24"):
        universal.attack.perturb(
            weak(), torch.zeros(1, 3, 32, 24), torch.zeros(1, dtype=torch.int64), State(universal.network, None)
        )


def test_a_universal_generator_does_not_look_at_the_image() -> None:
    torch.manual_seed(0)
    network, labels = AdvGAN.read({"threat": LINF, **QUICK, "form": "universal"}).build(), torch.tensor([0, 1, 1, 0])
    one, other = (network(torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(i)), labels) for i in (1, 2))
    assert torch.equal(one, other)
    assert torch.equal(one[1], one[2])


class Planted(nn.Module):
    """A generator whose changes are known: full size for malignant images, a random direction for benign ones."""

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        full = 100 * torch.ones_like(x)
        small = 0.01 * torch.stack([torch.randn(i.shape, generator=seeded(float(i.sum()))) for i in x])
        return torch.where((labels == 1).view(-1, 1, 1, 1), full, small)


def seeded(value: float) -> torch.Generator:
    return torch.Generator().manual_seed(int(value * 1000))


def test_saturation_and_universality_of_planted_changes() -> None:
    attack, model = AdvGAN.read({"threat": LINF, **QUICK}), weak()
    known = recognised(model, planted(2, 20))
    found = _checks.measured(attack, model, Planted(), known)
    assert found["hide"] | {"success": 0, "noise_success": 0} == {
        "images": 10, "success": 0, "noise_success": 0, "saturated": 1.0, "cosine": 1.0,
    }  # fmt: skip
    assert found["invent"]["saturated"] == 0.0
    assert abs(found["invent"]["cosine"]) < 0.03  # random directions in 768 dimensions
    delta = bounded(Planted()(known.images / 255, known.labels), attack.threat).flatten(1).double()
    unit = delta / delta.norm(dim=1, keepdim=True)
    pairs = (unit @ unit.T)[~torch.eye(20, dtype=torch.bool)]
    assert found["any"]["cosine"] == pytest.approx(float(pairs.mean()), abs=1e-6)
    assert found["any"]["saturated"] == 0.5


class AllBenign(nn.Module):
    """Pushes every image towards benign: one-sided."""

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return -100 * weak().weight.detach().sign().expand_as(x)


def test_one_sidedness_of_a_planted_generator() -> None:
    attack = AdvGAN.read({"threat": {"norm": "linf", "eps": 20 / 255}, **QUICK})
    found = _checks.measured(attack, weak(), AllBenign(), recognised(weak(), planted(2, 20)))
    assert (found["hide"]["success"], found["invent"]["success"]) == (1.0, 0.0)
    assert found["any"]["success"] == 0.5
    assert found["one_sidedness"] == 1.0


def test_surrogates_that_answer_as_the_classifier_does_or_the_other_way() -> None:
    attack = AdvGAN.read({"threat": {"norm": "linf", "eps": 20 / 255}, **QUICK})
    known, inverted = recognised(weak(), planted(2, 20)), weak()
    inverted.weight.data.neg_()
    inverted.bias.data.neg_()
    for stand_in, agree in ((weak(), 1.0), (inverted, 0.0)):
        found = _checks.measured(attack, weak(), AllBenign(), known, stand_in)
        assert found["surrogates"] == {"fooled": 0.5, "agree": agree}  # half of the images are malignant
    assert _checks.measured(attack, weak(), AllBenign(), known)["surrogates"] is None


def test_no_image_that_is_right_gives_null_and_not_a_number() -> None:
    attack = AdvGAN.read({"threat": LINF, **QUICK})
    inverted = weak()
    inverted.weight.data.neg_()
    found = _checks.measured(attack, inverted, Planted(), recognised(inverted, planted(2, 4)))
    assert found["any"] == {"images": 0, "success": None, "noise_success": None, "saturated": None, "cosine": None}


def test_l2_changes_have_no_saturation() -> None:
    attack = AdvGAN.read({"threat": {"norm": "l2", "eps": 0.8}, **QUICK})
    found = _checks.measured(attack, weak(), Planted(), recognised(weak(), planted(2, 4)))
    assert found["hide"]["saturated"] is None
    assert found["hide"]["cosine"] == 1.0


def test_training_and_validation_are_both_measured_the_same_in_every_run(tmp_path: Path) -> None:
    first, again = (Fitted(tmp_path / name, weak(), **SHORT) for name in "ab")
    assert (tmp_path / "a" / "checks.json").read_bytes() == (tmp_path / "b" / "checks.json").read_bytes()
    train, val = first.checks["training"], first.checks["validation"]
    assert train["any"]["images"] == val["any"]["images"] == 48  # 96 images train, at most 48 of them are measured
    assert train != val
    assert val["any"]["success"] == pytest.approx(max(row["val_success"] for row in first.stats), abs=1e-6)
    assert val["any"]["noise_success"] == pytest.approx(first.stats[0]["val_noise"], abs=1e-6)
    assert json.loads(json.dumps(again.checks)) == first.checks


@pytest.mark.parametrize(("images", "most", "rows"), [(10, 5, [0, 2, 4, 6, 8]), (3, 5, [0, 1, 2]), (0, 5, [])])
def test_images_to_measure_are_evenly_spaced(images: int, most: int, rows: list[int]) -> None:
    assert _checks.evenly(images, most).tolist() == rows
