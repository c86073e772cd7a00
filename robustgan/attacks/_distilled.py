"""Surrogates that stand in for a classifier whose weights are out of reach.

Source:
    Xiao et al., IJCAI 2018, section 3.2 (static and dynamic distillation).
"""

from __future__ import annotations

from typing import Any

import torch

from robustgan.attacks._change import made
from robustgan.attacks._pupils import Pupils
from robustgan.attacks._queries import Asked, allowance, plan
from robustgan.attacks._rival import Keep, Rival
from robustgan.attacks._validation import BATCH, evenly, known_of, picked, right
from robustgan.attacks.advgan import AdvGAN
from robustgan.augment import dihedral
from robustgan.gan.imitation import Answers, answers_of
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.quantise import LEVELS, to_8_bit, to_float
from robustgan.shapes import Bool
from robustgan.tensors import Bytes, Network, Rng, Tensor

KEPT = ("right", "answers", "changed", "replies")  # of a `Distilled`, for its checkpoint


class Distilled(Rival):
    """Networks that learn the classifier's answers and lend their own gradients.

    Static: answers about training images as they are, once. Dynamic: after each epoch of the generator also
    about images as it changes them now, where a static surrogate is wrong.
    """

    right: Bool[Tensor, " n"]  # which of the validation images that choose the epoch the classifier gets right
    answers: Answers  # about `images`

    def __init__(self, recipe: AdvGAN, model: Network, train: Samples, val: Samples) -> None:
        self.recipe, self.settings = recipe, recipe.surrogate
        share = plan(recipe.queries, len(train), len(val), recipe.epochs, recipe.knowledge == "dynamic")
        self.asked = Asked(model, recipe.queries)
        super().__init__(self.asked, picked(val, evenly(len(val), share.choosing)), recipe.threat)
        self.images = train.images[evenly(len(train), share.clean).to(train.images.device)]  # as they are
        self.changed = self.images[:0]  # the latest changed images
        self.replies = torch.zeros(0, 2, device=self.images.device)  # answers about them
        loss = self.settings.loss if self.settings.answers == "probabilities" else "cross-entropy"
        self.pupils = Pupils(self.settings, recipe.surrogates, self.images, loss)
        self.network = self.pupils.network
        self.epoch = 0  # of the distillation before the generator's first epoch

    def open(self) -> None:
        """Ask about images as they are."""
        self._know(right(self.asked, self.val))
        self.answers = self.ask(self.images)

    def begin(self, rng: Rng, tick: Tick, keep: Keep) -> None:
        """Distil the answers about images as they are."""
        total = self.settings.epochs
        while self.epoch < total:
            self.distil(self.pupils.peak(self.epoch), rng)
            self.epoch += 1
            keep()
            tick(self.epoch, total, f"surrogate: {self.epoch} of {total} epochs")

    def learn(self, generator: Network, train: Samples, epochs: int, rng: Rng) -> dict[str, float]:
        """Ask about images as the generator changes them now, and distil the answers."""
        if self.recipe.knowledge == "static":
            return {}
        count = allowance(self.asked.left, len(self.known.ids), epochs, len(train))
        if count:
            rows = torch.randperm(len(train), generator=rng)[:count].to(train.images.device)
            fresh = torch.cat([self.written(generator, picked(train, part), rng) for part in torch.split(rows, BATCH)])
            self.changed = torch.cat([self.changed, fresh])[-len(train) :]
            self.replies = torch.cat([self.replies, self.ask(fresh)])[-len(train) :]
        passes = [self.distil(self.settings.lr * self.settings.steady, rng) for _ in range(self.settings.passes)]
        return {"surrogate_loss": passes[-1]}

    @torch.no_grad()
    def written(self, generator: Network, some: Samples, rng: Rng) -> Bytes:
        """What the generator makes of training images, as 8-bit images: what can be sent to a classifier."""
        x = dihedral(to_float(some.images), rng)
        x_adv = self.recipe.threat.project(x, made(generator, x, some.labels, self.recipe.threat))
        return to_8_bit((x * LEVELS).round().to(torch.uint8), x_adv, self.recipe.threat)

    def ask(self, images: Bytes) -> Answers:
        """The classifier's answers."""
        parts = [answers_of(self.asked(to_float(part)), self.settings.answers) for part in torch.split(images, BATCH)]
        return torch.cat(parts)

    def distil(self, lr: float, rng: Rng) -> float:
        """Go once through all images and answers; what was changed stays as it was asked about."""
        images, answers = torch.cat([self.images, self.changed]), torch.cat([self.answers, self.replies])
        turned = torch.arange(len(images), device=images.device) < len(self.images)
        return self.pupils.learn(images, answers, turned, lr, self.recipe.batch, rng)

    def facts(self) -> dict[str, float]:
        """How many images were asked about so far; noise is not asked about, the attack has no use for it."""
        return {"queries": float(self.asked.used)}

    def told(self) -> str:
        """The same for the text beside the bar."""
        return f"{self.asked.used} of {self.asked.budget} queries"

    def state(self) -> dict[str, Any]:
        """Surrogates, answers and how many were asked for."""
        kept = {name: getattr(self, name) for name in KEPT}
        return {**kept, **self.pupils.state(), "surrogate_epoch": self.epoch, "used": self.asked.used}

    def resume(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint; nothing is asked again."""
        device = self.images.device
        self._know(saved["right"].to(device))
        self.answers, self.changed, self.replies = (saved[name].to(device) for name in KEPT[1:])
        self.pupils.resume(saved)
        self.epoch, self.asked.used = saved["surrogate_epoch"], saved["used"]

    def _know(self, mask: Bool[Tensor, " n"]) -> None:
        self.right = mask
        self.known = known_of(self.val, mask)
