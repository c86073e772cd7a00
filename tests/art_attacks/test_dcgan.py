"""Images from scratch under ART's conventions; a few steps of training count as good unless that is the point."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.attack import EvasionAttack
from torch import nn

from robustgan import art_attacks
from robustgan.art_attacks import DCGANAttack
from robustgan.errors import RunError
from robustgan.gan import outcome
from tests.art_attacks.conftest import Bright, arrays, classifier

TINY: dict[str, Any] = {
    "latent": 6,
    "embedding": 4,
    "ngf": 4,
    "ndf": 4,
    "training": {"steps": 9, "batch": 8, "every": 3},
    "monitor": {"actions": []},
    "search": {"steps": 60, "lr": 0.5, "near": 0.0, "realism": 0.0},
}


def attack(**changes: Any) -> DCGANAttack:
    return DCGANAttack(**{"classifier": classifier(Bright(40.0)), "settings": TINY, **changes})


@pytest.fixture
def declared_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rule finds anything wrong with a generator of nine steps."""
    monkeypatch.setattr(outcome, "examine", lambda *_: None)


@pytest.fixture
def fitted(declared_good: None) -> DCGANAttack:
    made = attack()
    made.fit(*arrays(1, 80))
    gan: Any = made.network
    gan.generator.ups[-1].weight.data *= 40  # contrast, which nine steps do not bring
    return made


def called(made: DCGANAttack, images: np.ndarray) -> np.ndarray:
    found: np.ndarray = made.estimator.predict(images).argmax(1)
    return found


def test_one_new_image_for_each_and_nothing_of_x_in_it(fitted: DCGANAttack) -> None:
    x, y = arrays(3, 12)
    before = x.copy()
    made = fitted.generate(x, y)
    assert np.array_equal(x, before)
    assert made.shape == x.shape
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1
    np.testing.assert_allclose(made * 255, np.round(made * 255), atol=1e-4)
    assert len(np.unique(made.reshape(12, -1), axis=0)) == 12
    assert np.array_equal(fitted.generate(x[::-1].copy(), y), made)
    assert fitted.generate(x[:0], y[:0]).shape == (0, 3, 16, 16)


def test_the_search_fools_more_than_no_search(fitted: DCGANAttack) -> None:
    """Natural images lie on both sides of the victim's boundary, and near it."""
    x, y = arrays(3, 40)
    gan: Any = fitted.network
    for table in (module for module in gan.generator.modules() if isinstance(module, nn.Embedding)):
        table.weight.data.copy_(table.weight.data[:1].expand_as(table.weight))  # labels make no difference
    fitted.set_params(searched=False)
    images = fitted.generate(x, y)
    victim: Any = fitted.estimator.model
    victim.middle = float(np.median(images[:, 0].mean((1, 2))))
    natural = (called(fitted, images) != y).mean()
    fitted.set_params(searched=True)
    searched = (called(fitted, fitted.generate(x, y)) != y).mean()
    assert natural < 0.75
    assert searched > natural + 0.2


def test_a_target_is_what_the_classifier_should_say(fitted: DCGANAttack) -> None:
    x, y = arrays(3, 12)
    untargeted = fitted.generate(x, y)
    fitted.set_params(targeted=True)
    assert np.array_equal(fitted.generate(x, 1 - y), untargeted)
    with pytest.raises(ValueError, match="Target labels `y` need to be provided"):
        fitted.generate(x)


def test_without_labels_the_classifiers_are_used(fitted: DCGANAttack) -> None:
    x, _ = arrays(3, 12)
    x[::3] = x[::3] * 0.5  # dark: the classifier calls these benign
    x[1::3] = 0.5 + x[1::3] * 0.5
    labels = called(fitted, x)
    assert set(labels) == {0, 1}
    assert np.array_equal(fitted.generate(x), fitted.generate(x, labels))


def test_oracles_are_asked_in_the_search_alone(declared_good: None) -> None:
    oracle = Bright(4.0, channel=1)
    made = attack(oracles=[classifier(oracle)])
    made.fit(*arrays(1, 80))
    assert oracle.seen == 0
    made.generate(*arrays(3, 4))
    assert oracle.seen > 2
    seen = oracle.seen
    made.set_params(searched=False)
    made.generate(*arrays(3, 4))
    assert oracle.seen == seen


def test_a_generator_that_failed_makes_no_images() -> None:
    made = attack()
    made.fit(*arrays(1, 80))
    with pytest.raises(RunError, match=r"the generator failed in training \((UNTRAINED|COLLAPSED): .*train longer"):
        made.generate(*arrays(3, 4))


def test_it_is_an_evasion_attack_with_its_parameters() -> None:
    made = attack()
    assert isinstance(made, EvasionAttack)
    assert set(made.attack_params) == {"targeted", "settings", "batch_size", "seed", "oracles", "searched"}
    assert all(hasattr(made, name) for name in made.attack_params)
    with pytest.raises(ValueError, match="not trained yet"):
        made.generate(*arrays(3, 4))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"oracles": [nn.Identity()]}, "each must be a PyTorchClassifier"),
        ({"settings": {"size": 32}}, "its images are 16 x 16 pixels"),
        ({"settings": {"training": {"step": 3}}}, "training.step.*Did you mean `steps`"),
        ({"settings": {"latent": 0}}, "latent"),
    ],
)
def test_wrong_parameters_raise_value_errors(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        attack(**changes)
    with pytest.raises(ValueError, match=said):
        attack().set_params(**changes)


@pytest.mark.parametrize(
    ("changes", "said"), [({"searched": 1}, "searched: found 1"), ({"oracles": 5}, "oracles: found 5")]
)
def test_parameters_of_a_wrong_type_raise_value_errors(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        attack().set_params(**changes)


def test_the_classifier_cannot_be_its_own_oracle() -> None:
    victim = classifier(Bright(40.0))
    with pytest.raises(ValueError, match="none the classifier that is attacked"):
        attack(classifier=victim, oracles=(victim,))


def test_images_that_are_not_square_are_refused() -> None:
    with pytest.raises(ValueError, match="its images are 16 x 32 pixels"):
        attack(classifier=classifier(Bright(1.0), input_shape=(3, 16, 32)))


@pytest.mark.usefixtures("declared_good")
def test_the_example_in_the_docstring_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, but for the size of the images and how long both train."""
    text = Path(art_attacks.__file__).read_text("utf-8").split('"""')[1]
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ") or not line]
    example = [line for line in "\n".join(lines).strip().splitlines() if line]
    assert len(example) <= 12
    code = "\n".join(example).replace("(3, 64, 64)", "(3, 16, 16)")
    code = code.replace("eps=8 / 255", "eps=8 / 255, settings={'epochs': 1, 'width': 8}")
    code = code.replace("oracles=", f"settings={TINY}, oracles=")
    x, y = arrays(1, 80)
    x_test, y_test = arrays(3, 6)
    scope: dict[str, Any] = {"model": Bright(4.0), "loss": nn.CrossEntropyLoss()}
    scope |= {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}
    scope |= {"other_classifier": classifier(Bright(4.0, channel=1))}
    exec(code, scope)
    assert np.abs(scope["x_adv"] - x_test).max() <= 8 / 255 + 1e-6
    assert scope["x_new"].shape == x_test.shape
    assert torch.is_grad_enabled()
