"""Every broken defence is caught, by a check that names what is wrong with it; no sound classifier is accused."""

import pytest
from torch import nn

from robustgan import strength
from tests.planted import victims, zoo
from tests.planted.evidence import checked, failing, probed

IMAGES = 32

# Defence: checks that have to fail, each of which says what is wrong.
CAUGHT = {
    zoo.Quantised: {"zero gradients", "gradient agreement", "black-box", "transfer"},
    zoo.EightBit: {"zero gradients", "gradient agreement", "black-box", "transfer"},
    zoo.Resized: {"determinism"},
    zoo.Saturated: {"saturation"},
    zoo.Cold: {"saturation"},
    zoo.ColdProbabilities: {"outputs", "zero gradients"},
    zoo.Shattered: {"gradient agreement", "black-box", "transfer"},
    zoo.WrongGradient: {"gradient agreement", "black-box", "transfer"},
    zoo.Killed: {"zero gradients", "gradient agreement", "black-box", "transfer"},
    zoo.Detached: {"gradient agreement", "black-box", "transfer"},
    zoo.HalfKilled: {"zero gradients", "gradient agreement"},
    zoo.Dropped: {"determinism"},
    zoo.NarrowRange: {"gradient agreement", "black-box", "transfer"},
    zoo.NoiseDetector: {"noise pattern", "larger budgets"},
    zoo.ArgMax: {"outputs", "zero gradients"},
}


def test_the_whole_zoo_is_listed() -> None:
    assert set(CAUGHT) == set(zoo.BROKEN)


@pytest.mark.parametrize("defence", CAUGHT, ids=lambda defence: defence.__name__)
def test_a_broken_defence_is_caught(defence: type[zoo.Defence]) -> None:
    frame = checked(*probed(defence(victims.trained()), victims.tissue(96, 2), IMAGES))
    assert failing(frame) >= CAUGHT[defence], frame[["status", "found"]].to_string()
    found = strength.verdict(frame.reset_index())
    assert not found.strong
    assert "the evidence is broken" in found.reason


SOUND = {
    "plain": victims.trained,
    "linear": victims.linear,
    "trained against attacks": lambda: victims.trained(8 / 255),
    "trained against weaker attacks": lambda: victims.trained(4 / 255),
    "one answer to everything": lambda: victims.trained(16 / 255),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_classifier_is_not_accused(name: str) -> None:
    frame = checked(*probed(SOUND[name](), victims.tissue(96, 2), IMAGES))
    assert not failing(frame), frame[["status", "found"]].to_string()
    assert strength.verdict(frame.reset_index()).strong


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 6))
@pytest.mark.parametrize("images", [20, 96])
@pytest.mark.parametrize("name", SOUND)
def test_nor_on_other_images_few_or_many(name: str, images: int, seed: int) -> None:
    frame = checked(*probed(SOUND[name](), victims.tissue(96, seed), images))
    assert not failing(frame), frame[["status", "found"]].to_string()


class Contrary(nn.Module):
    """Answers the opposite: wrong on most images, and soundly so."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x):  # noqa: ANN001, ANN201
        return -self.model(x)


def test_a_classifier_that_is_mostly_wrong_is_not_accused_and_not_believed() -> None:
    frame = checked(*probed(Contrary(victims.linear()), victims.tissue(96, 2), 20))
    assert not failing(frame), frame[["status", "found"]].to_string()
    found = strength.verdict(frame.reset_index())
    assert not found.strong
    assert any("too few images" in text for text in frame["found"])
    assert "the evidence is not there" in found.reason
