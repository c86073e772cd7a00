"""Surrogates trained on true labels: the classifier is never asked, and the attack hopes that what fools them fools it.

Source:
    Papernot, McDaniel, Goodfellow, 2016 (https://arxiv.org/abs/1605.07277; transfer between classifiers); Liu, Chen,
    Liu, Song, "Delving into transferable adversarial examples and black-box attacks", ICLR 2017, section 5 (ensembles).
"""

from __future__ import annotations

from typing import Any

from torch.nn import functional

from robustgan.attacks._pupils import Pupils
from robustgan.attacks._rival import Keep, Rival
from robustgan.attacks._validation import recognised
from robustgan.attacks.advgan import AdvGAN
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.tensors import Rng


class Transferred(Rival):
    """Classifiers of the attacker's own, trained on the training patients; they choose the epoch too."""

    def __init__(self, recipe: AdvGAN, train: Samples, val: Samples) -> None:
        self.recipe, self.settings, self.train = recipe, recipe.surrogate, train
        self.pupils = Pupils(self.settings, recipe.surrogates, train.images, "cross-entropy")
        super().__init__(self.pupils.network, val, recipe.threat)
        self.epoch = 0  # of the surrogates' training

    def open(self) -> None:
        """Nothing: no answers are asked for."""

    def begin(self, rng: Rng, tick: Tick, keep: Keep) -> None:
        """Train the surrogates; then see which validation images they get right."""
        total, images, labels = self.settings.epochs, self.train.images, self.train.labels
        answers = functional.one_hot(labels, 2).float()
        while self.epoch < total:
            self.pupils.learn(images, answers, self.pupils.peak(self.epoch), self.recipe.batch, rng)
            self.epoch += 1
            keep()
            tick(self.epoch, total, f"surrogates: {self.epoch} of {total} epochs")
        self.known = recognised(self.network, self.val)

    def facts(self) -> dict[str, float]:
        """Share of the validation images that the surrogates get right."""
        return {"surrogates_right": len(self.known.ids) / len(self.val)}

    def told(self) -> str:
        """Whom the success beside the bar is measured on."""
        return "judged by the surrogates"

    def state(self) -> dict[str, Any]:
        """Surrogates, and how far they are."""
        return {**self.pupils.state(), "surrogate_epoch": self.epoch}

    def resume(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.pupils.resume(saved)
        self.epoch = saved["surrogate_epoch"]
