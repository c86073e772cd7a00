"""AdvGAN as an attack of ART.

Source: see `robustgan/attacks/advgan.py`, which does the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from robustgan.art_attacks._trained import TrainedAttack
from robustgan.art_attacks._victim import Victim, pictures, samples
from robustgan.attacks.advgan import AdvGAN
from robustgan.draws import seed_of
from robustgan.freezing import frozen
from robustgan.interfaces import State

NORMS = {"inf": "linf", "2": "l2"}


class AdvGANAttack(TrainedAttack[AdvGAN]):
    """Changes images within `eps` by one forward pass of a generator that `fit` trained against the classifier."""

    attack_params = [*TrainedAttack.attack_params, "norm", "eps"]  # noqa: RUF012 - ART's

    def __init__(
        self,
        classifier: Any,
        norm: float | str = np.inf,
        eps: float = 8 / 255,
        targeted: bool = False,
        settings: Mapping[str, Any] | None = None,
        batch_size: int = 128,
        seed: int = 0,
    ) -> None:
        """Check the parameters; nothing is trained yet.

        Args:
            classifier: an ART `PyTorchClassifier` of two classes, images in [0, 1], logits.
            norm: `np.inf`, "inf" or 2.
            eps: the budget, on the [0, 1] scale.
            targeted: whether `y` in `generate` is the class to reach; with two classes, the other is hidden.
            settings: more settings of `robustgan.attacks.advgan.AdvGAN`, for example `{"epochs": 40}`.
            batch_size: images at once in `generate`; the training has its own, `settings["batch"]`.
            seed: of the training.

        Raises:
            ValueError: a parameter is wrong, or the classifier is of another sort.
        """
        super().__init__(classifier, targeted, settings, batch_size, seed)
        self.norm, self.eps = norm, eps
        self._check_params()

    def recipe(self) -> AdvGAN:
        """The attack of robustgan that the parameters describe."""
        if "threat" in self.settings:
            raise ValueError("settings: found `threat`; give `norm` and `eps` instead.")
        norm = NORMS.get(f"{self.norm:g}" if isinstance(self.norm, int | float) else str(self.norm))
        if norm is None:
            raise ValueError(f"norm: found {self.norm!r}, allowed are np.inf, 'inf' and 2.")
        return AdvGAN.read({**self.settings, "threat": {"norm": norm, "eps": self.eps}})

    def generate(self, x: np.ndarray, y: np.ndarray | None = None, **kwargs: Any) -> np.ndarray:
        """Return changed images, float32, within `eps` of `x` and in [0, 1].

        Args:
            x: images, NCHW, in [0, 1].
            y: untargeted: their true labels (the classifier's, when None); targeted: the classes to reach.
                One-hot or indices.
            kwargs: none are known.

        Raises:
            ValueError: not trained, wrong arrays, or no `y` for a targeted attack.
        """
        if kwargs:
            raise ValueError(f"generate: found {', '.join(kwargs)}; only x and y are allowed.")
        network, recipe = self.network, self.recipe()
        images = pictures(x, self.estimator)
        known = samples(images, self._hidden(images, y), self.estimator.device)
        seeds = [seed_of(self.seed, recipe.label, image) for image in known.rows["image_id"]]
        parts = [images[:0]]
        with frozen(Victim(self.estimator)) as victim, torch.no_grad():
            for start in range(0, len(images), self.batch_size):
                part = slice(start, start + self.batch_size)
                x_part = torch.from_numpy(images[part]).to(self.estimator.device)
                state = State(network, torch.Generator(), tuple(seeds[part]))
                x_adv = recipe.perturb(victim, x_part, known.labels[part], state)
                # Rounded to grey levels, images that were not can be a hair outside.
                parts.append(recipe.threat.project(x_part, x_adv).cpu().numpy())
        return np.concatenate(parts)
