"""Images from scratch as an attack of ART.

ART's attacks get images and give images; this one makes new images, so its arguments mean: `x` says how many images are
wanted, and `y` of which class each is to be. Image i of the answer is made as an image of class `y[i]` that the
classifier calls otherwise (targeted: of the class that is not `y[i]`, and called `y[i]`). It has nothing else in common
with `x[i]`: there is no budget, and its success is no drop in accuracy. Whether it looks like its class is for oracles
or people to say; the attack cannot know.

Source: see `robustgan/attacks/dcgan.py`, which does the training.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier

from robustgan.art_attacks._trained import TrainedAttack
from robustgan.art_attacks._victim import Victim, check_classifier, check_logits, pictures, samples
from robustgan.attacks.dcgan import DCGAN
from robustgan.errors import RunError
from robustgan.freezing import frozen
from robustgan.gan.conditional import Gan, Latents
from robustgan.gan.painting import paint, starts
from robustgan.gan.search import Parties, search
from robustgan.quantise import to_float
from robustgan.tensors import Labels


class DCGANAttack(TrainedAttack[DCGAN]):
    """Makes images with a class-conditional DCGAN that `fit` trained, and searches its latent space for what fools."""

    attack_params = [*TrainedAttack.attack_params, "oracles", "searched"]  # noqa: RUF012 - ART's

    def __init__(
        self,
        classifier: Any,
        oracles: Sequence[Any] = (),
        searched: bool = True,
        targeted: bool = False,
        settings: Mapping[str, Any] | None = None,
        batch_size: int = 128,
        seed: int = 0,
    ) -> None:
        """Check the parameters; nothing is trained yet.

        Args:
            classifier: an ART `PyTorchClassifier` of two classes, square images in [0, 1], logits.
            oracles: other classifiers of the same sort that hold the class during the search. Without one, the search
                may find images that truly show the other class.
            searched: whether to search; False returns what the generator makes, fooling or not.
            targeted: whether `y` in `generate` is the class that the classifier should say.
            settings: more settings of `robustgan.attacks.dcgan.DCGAN`, for example `{"training": {"steps": 4000}}`.
            batch_size: images at once in `generate`; the training has its own, `settings["training"]["batch"]`.
            seed: of the training, and of the latent vectors.

        Raises:
            ValueError: a parameter is wrong, or a classifier is of another sort.
        """
        super().__init__(classifier, targeted, settings, batch_size, seed)
        self.oracles, self.searched = tuple(oracles), searched
        self._verdict = ""
        self._check_params()

    def recipe(self) -> DCGAN:
        """The attack of robustgan that the parameters describe."""
        height, width = self.estimator.input_shape[1:]
        if height != width or self.settings.get("size", height) != height:
            raise ValueError(f"settings: `size` must be the classifier's; its images are {height} x {width} pixels.")
        return DCGAN.read({**self.settings, "size": height})

    def generate(self, x: np.ndarray, y: np.ndarray | None = None, **kwargs: Any) -> np.ndarray:
        """Return new images, float32, in [0, 1], with whole grey levels: one for each image of `x`.

        Args:
            x: as many images as are wanted; their pixels are used only to predict labels when `y` is None.
            y: untargeted: the classes to make; targeted: the classes that the classifier should say.
            kwargs: none are known.

        Raises:
            ValueError: not trained, wrong arrays, or no `y` for a targeted attack.
            RunError: the generator failed in its training.
        """
        if kwargs:
            raise ValueError(f"generate: found {', '.join(kwargs)}; only x and y are allowed.")
        gan, images = cast(Gan, self.network), pictures(x, self.estimator)
        if self._verdict:
            raise RunError(f"DCGANAttack: the generator failed in training ({self._verdict}): train longer or on more.")
        wanted = samples(images, self._hidden(images, y), self.estimator.device)
        labels = gan.labels_of(wanted.rows)
        z = latents(gan, labels, self.seed)
        if self.searched:
            z = self._search(gan, z, labels)
        made: np.ndarray = to_float(paint(gan, z, labels, self.batch_size)).cpu().numpy() if len(z) else images
        return made

    def _search(self, gan: Gan, z: Latents, labels: Labels) -> Latents:
        victim, *oracles = (Victim(one) for one in (self.estimator, *self.oracles))
        rule = self.recipe().search
        with ExitStack() as stack:
            for held in (gan, victim, *oracles):
                stack.enter_context(frozen(held))
            for oracle in oracles:
                check_logits(oracle, torch.zeros(2, *self.estimator.input_shape, device=z.device))
            parties = Parties(gan, victim, oracles)
            chunks = zip(torch.split(z, self.batch_size), torch.split(labels, self.batch_size), strict=True)
            return torch.cat([search(parties, some, which, rule) for some, which in chunks])

    def _concluded(self, folder: Path) -> None:
        status = json.loads((folder / "status.json").read_text("utf-8"))
        self._verdict = "" if status["status"] == "ok" else f"{status['status']}: {status['reason']}"

    def _check_params(self) -> None:
        super()._check_params()
        if not isinstance(self.searched, bool):
            raise ValueError(f"searched: found {self.searched!r}, allowed are True and False.")
        if not isinstance(self.oracles, list | tuple):
            raise ValueError(f"oracles: found {self.oracles!r}, required is a list of classifiers.")
        for oracle in self.oracles:
            if not isinstance(oracle, PyTorchClassifier) or oracle is self.estimator:
                raise ValueError("oracles: each must be a PyTorchClassifier, and none the classifier that is attacked.")
            check_classifier(oracle)


def latents(gan: Gan, labels: Labels, seed: int) -> Latents:
    """Latent vector number i of its label for image i."""
    known, z = starts(gan, max(1, len(labels)), seed)
    places = [torch.nonzero(known == label).flatten()[i] for i, label in enumerate(labels)]
    return z[torch.tensor(places, dtype=torch.int64, device=z.device)]
