"""A surrogate that stands in for a classifier whose weights are out of reach.

Source:
    Xiao et al., IJCAI 2018, section 3.2 (static and dynamic distillation).
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool

from robustgan.attacks._change import made
from robustgan.attacks._queries import Asked, allowance, plan
from robustgan.attacks._rival import Rival
from robustgan.attacks._validation import BATCH, evenly, known_of, picked, right
from robustgan.attacks.advgan import AdvGAN
from robustgan.augment import dihedral
from robustgan.errors import InputError
from robustgan.gan.imitation import DECAY, Answers, Imitator, answers_of, cosine, cross_entropy, odds_apart, shuffled
from robustgan.gan.surrogate import Surrogate
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.quantise import LEVELS, to_8_bit, to_float
from robustgan.tensors import Bytes, Network, Rng, Tensor


class Distilled(Rival):
    """A network that learns the classifier's answers and lends its own gradients.

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
        self.network = built(self.settings, self.images).to(memory_format=torch.channels_last)
        odds = self.settings.loss == "log-odds" and self.settings.answers == "probabilities"
        self.loss = odds_apart if odds else cross_entropy
        self.adam = torch.optim.AdamW(self.network.parameters(), weight_decay=DECAY)

    def begin(self, rng: Rng, tick: Tick) -> None:
        """Ask about images as they are, and distil the answers."""
        self._know(right(self.asked, self.val))
        self.answers = self.ask(self.images)
        total = self.settings.epochs
        for epoch in range(total):
            self.distil(self.settings.lr * cosine(epoch / total), rng)
            tick(epoch + 1, total, f"surrogate: {epoch + 1} of {total} epochs")

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
        """Go once through all images and answers; the mean loss.

        Images as they are may be turned and mirrored: a classifier of tissue answers the same. What was changed
        stays as it was asked about.
        """
        images, answers = torch.cat([self.images, self.changed]), torch.cat([self.answers, self.replies])
        self.adam.param_groups[0]["lr"] = lr
        self.network.train().requires_grad_(True)
        total = torch.zeros((), device=images.device)
        for rows in shuffled(len(images), self.recipe.batch, rng):
            index = rows.to(images.device)
            x = to_float(images[index])
            x = torch.where((index < len(self.images)).view(-1, 1, 1, 1), dihedral(x, rng), x)
            loss = self.loss(self.network(x.contiguous(memory_format=torch.channels_last)), answers[index])
            self.adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.adam.step()
            total += loss.detach() * len(rows)
        self.network.eval().requires_grad_(False)
        return float(total) / len(images)

    def facts(self) -> dict[str, float]:
        """How many images were asked about so far; noise is not asked about, the attack has no use for it."""
        return {"queries": float(self.asked.used)}

    def told(self) -> str:
        """The same for the text beside the bar."""
        return f"{self.asked.used} of {self.asked.budget} queries"

    def state(self) -> dict[str, Any]:
        """Surrogate, answers and how many were asked for."""
        kept = {name: getattr(self, name) for name in ("right", "answers", "changed", "replies")}
        networks = {"surrogate": self.network.state_dict(), "adam_surrogate": self.adam.state_dict()}
        return {**kept, **networks, "used": self.asked.used}

    def resume(self, saved: dict[str, Any], rng: Rng) -> None:
        """Go on from a checkpoint; nothing is asked again."""
        device = self.images.device
        self._know(saved["right"].to(device))
        self.answers, self.changed, self.replies = (saved[n].to(device) for n in ("answers", "changed", "replies"))
        self.network.load_state_dict(saved["surrogate"])
        self.network.eval().requires_grad_(False)
        self.adam.load_state_dict(saved["adam_surrogate"])
        self.asked.used = saved["used"]

    def _know(self, mask: Bool[Tensor, " n"]) -> None:
        self.right = mask
        self.known = known_of(self.val, mask)


def built(settings: Surrogate, images: Bytes) -> Imitator:
    """An untrained surrogate on the images' device.

    Raises:
        InputError: the images are too small for so many blocks.
    """
    network = Imitator(settings).to(images.device)
    try:
        with torch.no_grad():
            network.eval()(to_float(images[:1]))
    except RuntimeError as error:
        raise InputError(
            f"advgan.surrogate.block_config: found {len(settings.block_config)} blocks, which images of "
            f"{images.shape[2]} x {images.shape[3]} pixels are too small for ({error}). Each block halves the side, "
            "after the first layers quartered it: give fewer blocks, or `stem: half`."
        ) from None
    return network
