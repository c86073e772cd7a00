"""AdvGAN under ART's conventions for attacks, on a planted weak classifier."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.attack import EvasionAttack
from art.attacks.evasion import FastGradientMethod
from art.estimators.classification import SklearnClassifier
from art.exceptions import EstimatorError
from art.utils import compute_success, to_categorical
from sklearn.linear_model import LogisticRegression
from torch import nn

from robustgan.art_attacks import AdvGANAttack
from robustgan.attacks.advgan import AdvGAN
from robustgan.freezing import weights_digest
from robustgan.interfaces import Samples
from tests.art_attacks.conftest import arrays, classifier
from tests.attacks.test_advgan import QUICK, weak

EPS = 8 / 255


def attack(**changes: Any) -> AdvGANAttack:
    return AdvGANAttack(**{"classifier": classifier(), "eps": EPS, "settings": QUICK, **changes})


@pytest.fixture(scope="module")
def fitted() -> AdvGANAttack:
    made = attack()
    made.fit(*arrays(1), *arrays(2, 48))
    return made


def test_it_fools_far_above_noise_within_the_budget(fitted: AdvGANAttack) -> None:
    x, y = arrays(3)
    before = x.copy()
    x_adv = fitted.generate(x, y)
    assert np.array_equal(x, before)
    assert x_adv.shape == x.shape
    assert x_adv.dtype == np.float32
    assert x_adv.min() >= 0
    assert x_adv.max() <= 1
    assert np.abs(x_adv - x).max() <= EPS + 1e-6
    one_hot = to_categorical(y, 2)
    noise = np.clip(x + EPS * np.random.default_rng(0).choice([-1, 1], x.shape), 0, 1).astype(np.float32)
    strongest = FastGradientMethod(fitted.estimator, eps=EPS).generate(x, one_hot)  # exact on a linear model
    rates = [compute_success(fitted.estimator, x, one_hot, images) for images in (x_adv, noise, strongest)]
    assert rates[0] > rates[1] + 0.3
    assert rates[0] > rates[2] - 0.15


def test_labels_are_one_hot_or_indices_or_the_classifiers(fitted: AdvGANAttack) -> None:
    x, y = arrays(3, 12)  # the planted classifier calls all of them right
    with_indices = fitted.generate(x, y)
    for same in (to_categorical(y, 2), y[:, None], y.astype(np.float32)):
        assert np.array_equal(fitted.generate(x=x, y=same), with_indices)
    assert np.array_equal(fitted.generate(x), with_indices)
    assert np.array_equal(fitted.generate(x, None), with_indices)
    assert np.array_equal(fitted.generate(x=x, y=None), with_indices)
    assert not np.array_equal(fitted.generate(x, 1 - y), with_indices), "the labels that are given count"


def test_a_target_is_the_other_class_hidden(fitted: AdvGANAttack) -> None:
    x, y = arrays(3, 12)
    untargeted = fitted.generate(x, y)
    fitted.set_params(targeted=True)
    try:
        assert np.array_equal(fitted.generate(x, 1 - y), untargeted)
        with pytest.raises(ValueError, match="Target labels `y` need to be provided for a targeted attack"):
            fitted.generate(x)
    finally:
        fitted.set_params(targeted=False)


def test_no_image_depends_on_its_batch(fitted: AdvGANAttack) -> None:
    x, y = arrays(3, 12)
    whole = fitted.generate(x, y)
    fitted.set_params(batch_size=5)
    np.testing.assert_allclose(fitted.generate(x, y), whole, atol=1.01 / 255)
    assert (fitted.generate(x, y) == whole).mean() > 0.99
    fitted.set_params(batch_size=128)
    assert fitted.generate(x[:0], y[:0]).shape == (0, 3, 16, 16)
    assert fitted.generate(x[:0]).shape == (0, 3, 16, 16)


def test_images_between_grey_levels_stay_within_the_budget(fitted: AdvGANAttack) -> None:
    x, y = arrays(3, 12)
    between = np.clip(x + np.float32(0.4 / 255), 0, 1)
    assert np.abs(fitted.generate(between, y) - between).max() <= EPS + 1e-6


def test_the_callers_random_numbers_are_left_alone() -> None:
    before = torch.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002
    made = attack(settings={**QUICK, "epochs": 1})
    made.fit(*arrays(1, 24))
    made.generate(*arrays(3, 4))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == repr(np.random.get_state())  # noqa: NPY002


def test_an_l2_budget() -> None:
    made = attack(norm=2, eps=1.0, settings={**QUICK, "epochs": 1})
    made.fit(*arrays(1))
    x, y = arrays(3, 12)
    lengths = np.sqrt(((made.generate(x, y) - x) ** 2).sum((1, 2, 3)))
    assert 0 < lengths.max() <= 1 + 1e-5


def test_same_seed_same_bytes_and_the_classifier_stays_as_it_is(fitted: AdvGANAttack) -> None:
    victim = classifier(weak().train())
    digest = weights_digest(victim.model)
    quick = {**QUICK, "epochs": 1}
    first, again, other = (attack(classifier=victim, settings=quick, seed=seed) for seed in (0, 0, 1))
    for one in (first, again, other):
        one.fit(*arrays(1))
    assert weights_digest(first.network) == weights_digest(again.network)
    assert weights_digest(first.network) != weights_digest(other.network)
    assert weights_digest(victim.model) == digest
    assert victim.model.training
    assert all(p.requires_grad for p in victim.model.parameters())


def test_the_classifiers_preprocessing_counts() -> None:
    """The same model behind a standardisation gives the same attack as the standardisation inside the model."""

    class Inside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = weak()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.model((x - 0.25) / 0.5)
            return logits

    quick = {**QUICK, "epochs": 1}
    inside = attack(classifier=classifier(Inside()), settings=quick)
    outside = attack(classifier=classifier(preprocessing=((0.25,) * 3, (0.5,) * 3)), settings=quick)
    plain = attack(settings=quick)
    for one in (inside, outside, plain):
        one.fit(*arrays(1))
    x, y = arrays(3, 12)
    np.testing.assert_allclose(outside.generate(x, y), inside.generate(x, y), atol=1.01 / 255)
    assert not np.array_equal(plain.generate(x, y), inside.generate(x, y))


# ------------------------------------------------------------------------------------------------- ART's conventions


def test_it_is_an_evasion_attack_with_its_parameters() -> None:
    made = attack()
    assert isinstance(made, EvasionAttack)
    assert set(made.attack_params) == {"targeted", "settings", "batch_size", "seed", "norm", "eps"}
    assert all(hasattr(made, name) for name in made.attack_params)
    assert repr(made).startswith("AdvGANAttack(targeted=False, settings=")
    made.set_params(eps=4 / 255, batch_size=7)
    assert made.eps == 4 / 255
    assert made.batch_size == 7
    with pytest.raises(ValueError, match='The attribute "epsilon" cannot be set'):
        made.set_params(epsilon=1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eps": 0}, "eps.*greater than 0"),
        ({"eps": -1.0}, "eps.*greater than 0"),
        ({"norm": 1}, "norm: found 1, allowed are np.inf, 'inf' and 2"),
        ({"norm": "l7"}, "norm: found 'l7'"),
        ({"batch_size": 0}, "batch_size: found 0"),
        ({"seed": -1}, "seed: found -1"),
        ({"settings": {"epoch": 3}}, "epoch: unknown setting.*Did you mean `epochs`"),
        ({"settings": {"threat": {}}}, "give `norm` and `eps` instead"),
    ],
)
def test_wrong_parameters_raise_value_errors(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        attack(**changes)
    with pytest.raises(ValueError, match=said):
        attack().set_params(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eps": "much"}, "eps.*found 'much'"),
        ({"eps": None}, "eps"),
        ({"batch_size": 1.5}, "batch_size: found 1.5"),
        ({"targeted": "yes"}, "targeted: found 'yes', allowed are True and False"),
        ({"settings": 5}, "settings: found 5"),
    ],
)
def test_parameters_of_a_wrong_type_raise_value_errors(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        attack().set_params(**changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clip_values": (0, 255)}, r"clip_values.*required are \(0, 1\)"),
        ({"clip_values": None}, "found clip_values None"),
        ({"nb_classes": 3}, "found 3 classes, required are 2"),
        ({"input_shape": (1, 16, 16)}, r"found input_shape \(1, 16, 16\)"),
        ({"channels_first": False}, "channels first"),
    ],
)
def test_other_classifiers_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        attack(classifier=classifier(**changes))


def test_estimators_of_other_frameworks_are_refused() -> None:
    x, y = arrays(1, 8)
    other = SklearnClassifier(LogisticRegression().fit(x.reshape(8, -1), y))
    with pytest.raises(EstimatorError):
        attack(classifier=other)


def test_probabilities_are_refused() -> None:
    made = attack(classifier=classifier(nn.Sequential(weak(), nn.Softmax(1))))
    with pytest.raises(ValueError, match="gives probabilities, required are logits"):
        made.fit(*arrays(1))


def test_generate_needs_a_fit_with_the_same_parameters() -> None:
    made = attack(settings={**QUICK, "epochs": 1})
    x, y = arrays(3, 12)
    with pytest.raises(ValueError, match=r"not trained yet; call `fit\(x, y\)` before `generate`"):
        made.generate(x, y)
    made.fit(*arrays(1))
    made.generate(x, y)
    made.set_params(eps=EPS / 2)
    with pytest.raises(ValueError, match=r"parameters changed after the training; call `fit\(x, y\)` again"):
        made.generate(x, y)
    made.set_params(eps=EPS)
    made.generate(x, y)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (np.zeros((4, 3, 8, 8)), None, r"found shape \(4, 3, 8, 8\), required is \(n, 3, 16, 16\)"),
        (np.zeros((4, 16, 16, 3)), None, "found shape"),
        (np.full((4, 3, 16, 16), 255), None, "found numbers from 255 to 255"),
        (np.full((4, 3, 16, 16), np.nan), None, "found numbers from nan"),
        (np.zeros((4, 3, 16, 16)), np.zeros(3), "found 3 labels for 4 images"),
        (np.zeros((4, 3, 16, 16)), np.full(4, 2), "allowed are 0 and 1"),
        (np.zeros((4, 3, 16, 16)), np.zeros((4, 3)), r"found shape \(4, 3\)"),
    ],
)
def test_wrong_arrays_raise_value_errors(fitted: AdvGANAttack, x: np.ndarray, y: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fitted.generate(x, y)
    with pytest.raises(ValueError, match=said):
        fitted.fit(x, y)
    with pytest.raises(ValueError, match="found mask"):
        fitted.generate(arrays(3, 4)[0], mask=1)


def test_a_class_that_is_missing_is_refused() -> None:
    x, y = arrays(1)
    with pytest.raises(ValueError, match=r"among the training images; found \[0, 38\]|found \[39, 0\]|images of class"):
        attack().fit(x[y == 1], y[y == 1])
    with pytest.raises(ValueError, match="both classes are needed among the validation images"):
        attack().fit(x, y, x[y == 1], y[y == 1])


def test_settings_that_do_not_fit_the_images_are_refused() -> None:
    odd = classifier(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)), input_shape=(3, 18, 18))
    x, y = np.random.default_rng(0).random((20, 3, 18, 18), dtype=np.float32), np.arange(20) % 2
    with pytest.raises(ValueError, match="tile: found 4, which needs sides that 4 divides"):
        attack(classifier=odd).fit(x, y)


@pytest.mark.parametrize(("knowledge", "given"), [("white-box", True), ("static", False), ("transfer", False)])
def test_gradients_are_only_there_for_who_may_see_them(
    monkeypatch: pytest.MonkeyPatch, knowledge: str, given: bool
) -> None:
    seen = []

    def greedy(self: AdvGAN, model: nn.Module, train: Samples, *rest: object) -> None:
        seen.append(model((train.images[:2] / 255).requires_grad_()).requires_grad)

    monkeypatch.setattr(AdvGAN, "fit", greedy)
    attack(settings={**QUICK, "knowledge": knowledge}).fit(*arrays(1), *arrays(2, 48))
    assert seen == [given]
