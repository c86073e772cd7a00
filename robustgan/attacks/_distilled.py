"""Surrogates that stand in for a classifier whose weights are out of reach; `_dynamic.py` has those that ask on.

Source:
    Xiao et al., IJCAI 2018, section 3.2 (static and dynamic distillation).
"""

from __future__ import annotations

from typing import Any

import torch

from robustgan.attacks._pupils import Pupils
from robustgan.attacks._queries import Asked, plan
from robustgan.attacks._rival import Keep, Rival
from robustgan.attacks._validation import BATCH, evenly, known_of, picked, right
from robustgan.attacks.advgan import AdvGAN
from robustgan.gan.imitation import Answers, answers_of
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.quantise import to_float
from robustgan.shapes import Bool
from robustgan.tensors import Bytes, Network, Rng, Tensor


class Distilled(Rival):
    """Networks that learn the classifier's answers and lend their own gradients."""

    right: Bool[Tensor, " n"]  # which of the validation images that choose the epoch the classifier gets right

    def __init__(self, recipe: AdvGAN, model: Network, train: Samples, val: Samples, choosing: int) -> None:
        self.recipe, self.settings = recipe, recipe.surrogate
        self.asked = Asked(model, recipe.queries)
        super().__init__(self.asked, picked(val, evenly(len(val), choosing)), recipe.threat)
        self.pupils = Pupils(self.settings, recipe.surrogates, train.images, self.settings.loss)
        self.network = self.stand_in = self.pupils.network
        self.epoch = 0  # of the distillation before the generator's first epoch
        self._know(torch.zeros_like(self.val.labels, dtype=torch.bool))

    def ask(self, images: Bytes) -> Answers:
        """The classifier's answers."""
        parts = [answers_of(self.asked(to_float(part)), self.settings.answers) for part in torch.split(images, BATCH)]
        return torch.cat(parts)

    def facts(self) -> dict[str, float]:
        """How many images were asked about so far; noise is not asked about, the attack has no use for it."""
        return {"queries": float(self.asked.used)}

    def told(self) -> str:
        """The same for the text beside the bar."""
        return f"{self.asked.used} of {self.asked.budget} queries"

    def state(self) -> dict[str, Any]:
        """Surrogates, and how many answers were asked for."""
        own = {"right": self.right, "surrogate_epoch": self.epoch, "asked": self.asked.state()}
        return {**own, **self.pupils.state()}

    def resume(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._know(saved["right"].to(self.val.labels.device))
        self.pupils.resume(saved)
        self.epoch = saved["surrogate_epoch"]
        self.asked.resume(saved["asked"])

    def _know(self, mask: Bool[Tensor, " n"]) -> None:
        self.right = mask
        self.known = known_of(self.val, mask)


class Static(Distilled):
    """Learns answers about training images as they are, once."""

    answers: Answers  # about `images`

    def __init__(self, recipe: AdvGAN, model: Network, train: Samples, val: Samples) -> None:
        share = plan(recipe.queries, len(train), len(val), recipe.epochs, dynamic=False)
        super().__init__(recipe, model, train, val, share.choosing)
        self.images = train.images[evenly(len(train), share.clean).to(train.images.device)]
        self.answers = torch.zeros(0, 2, device=self.images.device)

    def open(self) -> None:
        """Ask about images as they are."""
        self._know(right(self.asked, self.val))
        self.answers = self.ask(self.images)

    def begin(self, rng: Rng, tick: Tick, keep: Keep) -> None:
        """Distil the answers."""
        total = self.settings.epochs
        while self.epoch < total:
            self.pupils.learn(self.images, self.answers, self.pupils.peak(self.epoch), self.recipe.batch, rng)
            self.epoch += 1
            keep()
            tick(self.epoch, total, f"surrogate: {self.epoch} of {total} epochs")

    def state(self) -> dict[str, Any]:
        """Surrogates and answers."""
        return {**super().state(), "answers": self.answers}

    def resume(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        super().resume(saved)
        self.answers = saved["answers"].to(self.images.device)
