"""What both attacks share: they train first, on arrays as ART gives them, and check settings as ART does."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from art.attacks.attack import EvasionAttack
from art.estimators.classification import PyTorchClassifier

from robustgan.art_attacks._victim import (
    Indices,
    Pictures,
    Victim,
    check_classifier,
    check_logits,
    indices,
    pictures,
    samples,
)
from robustgan.counting import Counted
from robustgan.errors import InputError
from robustgan.freezing import frozen
from robustgan.interfaces import AnyAttack, State
from robustgan.journal import Journal
from robustgan.tensors import Network

PROBED = 32  # images on which the model's outputs are looked at
HELD_OUT = 5  # one image in so many of each class chooses the epoch, where no validation images are given

Recipe = TypeVar("Recipe", bound=AnyAttack)


class TrainedAttack(EvasionAttack, Generic[Recipe]):  # type: ignore[misc]  # ART is not annotated
    """An evasion attack whose generator learns from training images before it is asked for images."""

    attack_params = [*EvasionAttack.attack_params, "targeted", "settings", "batch_size", "seed"]  # noqa: RUF012 - ART's
    _estimator_requirements = (PyTorchClassifier,)

    def __init__(
        self, classifier: Any, targeted: bool, settings: Mapping[str, Any] | None, batch_size: int, seed: int
    ) -> None:
        super().__init__(estimator=classifier)
        self.targeted, self.batch_size, self.seed = targeted, batch_size, seed
        self.settings: Mapping[str, Any] = {} if settings is None else settings
        self._trained: tuple[object, Network] | None = None
        check_classifier(classifier)

    @abstractmethod
    def recipe(self) -> Recipe:
        """The attack of robustgan that the parameters describe."""

    @property
    def network(self) -> Network:
        """The trained generator.

        Raises:
            ValueError: `fit` was not called, or a parameter of the training was changed since.
        """
        if self._trained is None:
            raise ValueError(f"{type(self).__name__}: not trained yet; call `fit(x, y)` before `generate`.")
        if self._trained[0] != self._cause():
            raise ValueError(f"{type(self).__name__}: parameters changed after the training; call `fit(x, y)` again.")
        return self._trained[1]

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray | None = None,
        x_val: np.ndarray | None = None,
        y_val: np.ndarray | None = None,
    ) -> None:
        """Train the generator.

        Args:
            x: training images, as for `generate`. Training sees them in 8 bits.
            y: their true labels, one-hot or indices, also for a targeted attack; the classifier's, when None.
            x_val: images that choose which generator is kept; when None, every fifth training image of each class.
                Give images of other patients where a patient has several.
            y_val: their labels.

        Raises:
            ValueError: arrays or settings do not fit, a class is missing, or the model gives no logits.
            RunError: the training failed.
        """
        images = pictures(x, self.estimator)
        labels = self._labels(images, y)
        if x_val is None:
            chosen = held_out(labels)
            sides = [(images[~chosen], labels[~chosen]), (images[chosen], labels[chosen])]
        else:
            other = pictures(x_val, self.estimator)
            sides = [(images, labels), (other, self._labels(other, y_val))]
        check_classes(sides[0][1], "training")
        check_classes(sides[1][1], "validation")
        self._trained = None
        self._train(*(samples(*side, self.estimator.device) for side in sides))

    def _train(self, train: Any, val: Any) -> None:
        """Build and train after seeding, as a run does; no random number of the caller's is used up."""
        recipe, device, victim = self.recipe(), self.estimator.device, Victim(self.estimator)
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices), TemporaryDirectory() as place, frozen(victim), as_value_error():
            check_logits(victim, train.images[:PROBED].float() / 255)
            torch.manual_seed(self.seed)
            network = recipe.build().to(device)
            rng = torch.Generator().manual_seed(self.seed)
            seen = victim if recipe.access == "white-box" else Counted(victim, gradients=False)
            recipe.fit(seen, train, val, State(network, rng), Journal(Path(place)))
            self._concluded(Path(place))
        self._trained = self._cause(), network.eval()

    def _concluded(self, folder: Path) -> None:
        """Read what the training left in its folder, which goes away."""

    def _cause(self) -> object:
        """What the trained generator depends on."""
        return self.recipe().settings(), self.seed

    def _labels(self, x: Pictures, y: np.ndarray | None) -> Indices:
        """Labels of images: given, or the classifier's."""
        if not absent(y):
            return indices(np.asarray(y), len(x))
        if not len(x):
            return np.zeros(0, dtype=np.int64)
        given: np.ndarray = self.estimator.predict(x, batch_size=self.batch_size)
        found: Indices = given.argmax(1).astype(np.int64)
        return found

    def _hidden(self, x: Pictures, y: np.ndarray | None) -> Indices:
        """The class that the classifier should no longer see in each image: `y`, or with a target the other class."""
        if self.targeted and absent(y):
            raise ValueError("Target labels `y` need to be provided for a targeted attack.")
        labels = self._labels(x, y)
        return 1 - labels if self.targeted else labels

    def _check_params(self) -> None:
        super()._check_params()
        for name, least in (("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name}: found {value!r}, required is a whole number of at least {least}.")
        if not isinstance(self.targeted, bool):
            raise ValueError(f"targeted: found {self.targeted!r}, allowed are True and False.")
        if not isinstance(self.settings, Mapping):
            raise ValueError(f"settings: found {self.settings!r}, required is a mapping of the attack's settings.")
        with as_value_error():
            self.recipe()


def absent(y: np.ndarray | None) -> bool:
    """Whether no labels were given; ART turns a None in second place into an array without shape."""
    return y is None or np.asarray(y).shape == ()


def held_out(labels: Indices) -> np.ndarray:
    """Every fifth image of each class."""
    turn = np.zeros(len(labels), dtype=np.int64)
    for one in (0, 1):
        turn[labels == one] = np.arange(int((labels == one).sum()))
    chosen: np.ndarray = turn % HELD_OUT == HELD_OUT - 1
    return chosen


def check_classes(labels: Indices, side: str) -> None:
    """Raise a `ValueError` where a class is missing."""
    if set(labels.tolist()) != {0, 1}:
        raise ValueError(
            f"y: both classes are needed among the {side} images; found {np.bincount(labels, minlength=2).tolist()} "
            "images of class 0 and 1."
        )


@contextmanager
def as_value_error() -> Iterator[None]:
    """Wrong parameters and arrays are `ValueError`s in ART."""
    try:
        yield
    except InputError as error:
        raise ValueError(str(error)) from error
