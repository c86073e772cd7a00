from typing import Any

import pytest
import torch

from robustgan.gan.conditional import Gan
from robustgan.gan.players import Game
from robustgan.gan.recipe import Play, Watch
from robustgan.gan.silence import not_checked
from robustgan.gan.symptoms import Coverage, Probe, Symptoms

NAMES = ("benign 40X", "malignant 40X")


def begun(**training: Any) -> Game:
    gan = Gan(16, (4, 4), 4, 4)
    gan.cells[:2] = torch.tensor([[0, 40], [1, 40]])
    return Game(gan, Play(**{"steps": 2000, "every": 500, **training}), Watch(), 0)


def seen(images: int, **changes: Any) -> Symptoms:
    even = dict.fromkeys(NAMES, 0.9)
    coverage = Coverage(even, even, dict.fromkeys(NAMES, images))
    return Symptoms((even, even), (even, even), (0.0, 0.0), Probe(even, even), 0.8, coverage)._replace(**changes)


def test_where_all_rules_speak_nothing_is_listed() -> None:
    assert not_checked(begun(), seen(50)) == []


@pytest.mark.parametrize(
    ("training", "rules"),
    [
        ({"steps": 299, "every": 50}, ["D_SATURATED", "D_DEAD", "OVERFIT", "STUCK"]),
        ({"steps": 30, "every": 10}, ["D_SATURATED", "D_DEAD", "OVERFIT", "STUCK", "GRAD"]),
        ({"steps": 400, "every": 200}, ["REGRESSED", "COLLAPSED"]),
        ({"loss": "wgan-gp"}, ["D_SATURATED", "OVERFIT"]),
    ],
)
def test_a_training_too_short_for_a_rule_says_so(training: dict[str, Any], rules: list[str]) -> None:
    found = not_checked(begun(**training), seen(50))
    assert [line["rule"] for line in found] == rules


def test_labels_with_few_images_are_named() -> None:
    few = seen(15)
    found = not_checked(begun(), few)
    assert [line["rule"] for line in found] == ["COLLAPSED", "COLLAPSED"]
    assert "fewer than 16 held-out images of benign 40X, malignant 40X" in found[0]["reason"]
    assert "fewer than 50 held-out images" in found[1]["reason"]


def test_what_no_probe_and_no_copy_test_could_see_is_listed() -> None:
    bare = seen(60, copies=None, grid=None, probe=Probe(dict.fromkeys(NAMES, 0.9), {NAMES[0]: 0.65, NAMES[1]: 0.9}))
    found = not_checked(begun(), bare)
    assert [line["rule"] for line in found] == ["MEMORISED", "LABEL_LEAK", "LABEL_LEAK"]
    assert found[2]["reason"].endswith("right in less than 70% of held-out images of benign 40X")
    alone = seen(60, probe=Probe({}, {}))
    assert "one class alone" in not_checked(begun(), alone)[0]["reason"]
