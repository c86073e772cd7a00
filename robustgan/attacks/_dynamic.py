"""Surrogates that learn where they are wrong: they ask about images that fool them, and about the generator's images.

Answers about images as they are say little of how a classifier reacts to a change, and neither does random noise, which
hardly moves it. What fools the surrogate is where the two differ most; and each change is asked about together with the
image that it was made from, so that what the change did is learned as itself, whatever the image.

Source:
    Xiao et al., IJCAI 2018, section 3.2 (dynamic distillation: the generator's images); Papernot et al., "Practical
    black-box attacks against machine learning", AsiaCCS 2017, section 4.2 (the surrogate's own gradients say what to
    ask next). What to ask, in pairs, and how much of it, is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from robustgan.attacks._change import made
from robustgan.attacks._distilled import Distilled
from robustgan.attacks._probes import Probes
from robustgan.attacks._pupils import Pairs
from robustgan.attacks._queries import pairs_in, plan
from robustgan.attacks._rival import Keep
from robustgan.attacks._validation import BATCH, picked, right
from robustgan.attacks.advgan import AdvGAN
from robustgan.augment import dihedral
from robustgan.gan.losses import margin
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.quantise import LEVELS, to_8_bit, to_float
from robustgan.tensors import Images, Labels, Network, Rng

START, STEP, STEPS = 0.3, 0.4, 5  # of the way to an image that fools: sizes in shares of eps
LEAST = 0.5  # share of such a change that is asked about, at least

Change = Callable[[Images, Labels, Rng], Images]


class Dynamic(Distilled):
    """Asks before each of its own epochs, and after each of the generator's."""

    def __init__(self, recipe: AdvGAN, model: Network, train: Samples, val: Samples) -> None:
        share = plan(recipe.queries, len(train), len(val), recipe.epochs, dynamic=True)
        super().__init__(recipe, model, train, val, share.choosing)
        self.train, self.probes = train, Probes()
        self.pairs = Pairs.none(train.images, self.settings.memory)
        self.turns = 0  # in which something was asked, before the generator's first epoch

    def begin(self, rng: Rng, tick: Tick, keep: Keep) -> None:
        """Learn from images that fool the surrogate, and ask anew as it changes."""
        total, epochs = self.settings.epochs, self.recipe.epochs
        while self.epoch < total:
            if self.turns == self.epoch:
                count = self.due(self.train, total - self.epoch + epochs, epochs)
                self.inquire(self.train, count, self.fooling, rng)
                self.turns += 1
                keep()
            self.study(self.pupils.peak(self.epoch), rng)
            self.epoch += 1
            keep()
            tick(self.epoch, total, f"surrogate: {self.epoch} of {total} epochs, {self.told()}")

    def learn(self, generator: Network, train: Samples, epochs: int, rng: Rng) -> dict[str, float]:
        """Ask about images as the generator changes them now, and as many that fool the surrogate; learn from both."""

        def written(x: Images, y: Labels, rng: Rng) -> Images:
            return made(generator, x, y, self.recipe.threat)

        count = self.due(train, epochs, epochs)
        self.inquire(train, count - count // 2, written, rng)
        self.inquire(train, count // 2, self.fooling, rng)
        return {"surrogate_loss": self.study(self.settings.lr * self.settings.steady, rng)}

    def due(self, train: Samples, turns: int, epochs: int) -> int:
        """Pairs to ask about now, with so many turns to go, of which `epochs` also choose the generator's epoch."""
        count = pairs_in(self.asked.left - epochs * len(self.known.ids), turns, len(train))
        return count if len(self.pairs.before) else max(1, count)

    def inquire(self, train: Samples, count: int, change: Change, rng: Rng) -> None:
        """Ask about training images, turned, and about what is made of each."""
        rows = torch.randperm(len(train), generator=rng)[:count].to(train.images.device)
        for part in torch.split(rows, BATCH) if count else ():
            some, threat = picked(train, part), self.recipe.threat
            x = dihedral(to_float(some.images), rng)
            before = (x * LEVELS).round().to(torch.uint8)
            after = to_8_bit(before, threat.project(x, change(x, some.labels, rng)), threat)
            self.pairs = self.pairs.joined(before, after, self.ask(before), self.ask(after))

    def fooling(self, x: Images, y: Labels, rng: Rng) -> Images:
        """Images that the surrogate gets wrong, or part of the way to them."""
        threat = self.recipe.threat
        x_adv = threat.project(x, x + threat.ascend(self.probes.draw(x, rng)[0], START * threat.eps))
        for _ in range(STEPS):
            x_adv.requires_grad_()
            (slope,) = torch.autograd.grad(-margin(self.network(x_adv), y).sum(), x_adv)
            x_adv = threat.project(x, x_adv.detach() + threat.ascend(slope, STEP * threat.eps))
        share = LEAST + (1 - LEAST) * torch.rand(len(x), 1, 1, 1, generator=rng).to(x.device)
        return x + share * (x_adv - x)

    def study(self, lr: float, rng: Rng) -> float:
        """Go through what was asked; the mean loss of the last time."""
        for _ in range(self.settings.passes):
            loss = self.pupils.compare(self.pairs, lr, self.recipe.batch, rng)
        return loss

    def open(self) -> None:
        """Ask which validation images are right."""
        self._know(right(self.asked, self.val))

    def state(self) -> dict[str, Any]:
        """Surrogates, pairs, and how many answers they took."""
        return {**super().state(), **self.pairs._asdict(), "turns": self.turns}

    def resume(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        super().resume(saved)
        device = self.train.images.device
        self.pairs = Pairs(*(saved[name] if name == "most" else saved[name].to(device) for name in Pairs._fields))
        self.turns = saved["turns"]
