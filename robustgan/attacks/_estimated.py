"""Gradients of a classifier that only answers, estimated from pairs of answers about images a step to either side.

A surrogate's gradients are wrong where nobody asked, and a generator finds those places. An estimate is noisy, but
follows the classifier itself; and one generator learns from the estimates of all images.

Source:
    Ilyas, Engstrom, Athalye, Lin, "Black-box adversarial attacks with limited queries and information", ICML 2018,
    section 2.1 (antithetic pairs); `_probes.py` says where the directions are from.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from robustgan.attacks._probes import Probes
from robustgan.attacks._queries import Asked, choosing_of
from robustgan.attacks._rival import Keep, Rival
from robustgan.attacks._validation import evenly, known_of, picked, right
from robustgan.attacks.advgan import AdvGAN
from robustgan.gan.imitation import TINY, answers_of
from robustgan.interfaces import Samples
from robustgan.journal import Tick
from robustgan.quantise import LEVELS
from robustgan.shapes import Bool
from robustgan.tensors import Images, Logits, Network, Rng, Scores, Tensor

STEP = 4 / 255  # of a pattern of signs: whole grey levels, as everything that is asked about


class Slope(torch.autograd.Function):
    """A number an image whose gradient is given."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor, slope: Tensor) -> Tensor:
        """The numbers."""
        ctx.save_for_backward(slope)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """The slopes, times what comes back for each number."""
        (slope,) = ctx.saved_tensors
        return gradients[0].view(-1, 1, 1, 1) * slope, None, None


class Answering(nn.Module):
    """A classifier whose gradients are estimates; every image costs two answers a pair."""

    rng: Rng

    def __init__(self, asked: Asked, pairs: int) -> None:
        super().__init__()
        self.asked, self.pairs, self.probes = asked, pairs, Probes()

    def forward(self, x: Images) -> Logits:
        """Zero, and the log-odds that the answers to either side have on average."""
        with torch.no_grad():
            value, slope = self.estimate(x)
        odds: Tensor = Slope.apply(x, value, slope)
        return torch.stack([torch.zeros_like(odds), odds], 1)

    def estimate(self, x: Images) -> tuple[Scores, Images]:
        """Log-odds, and their slope; where a step would leave the range of pixels it is cut off."""
        value, slope = torch.zeros(len(x), device=x.device), torch.zeros_like(x)
        for _ in range(self.pairs):
            direction, chosen = self.probes.draw(x, self.rng)
            above, below = whole(x + STEP * direction), whole(x - STEP * direction)
            high, low = self.odds(above), self.odds(below)
            step = (above - below) / 2
            length = step.square().mean((1, 2, 3), keepdim=True).clamp_min(1 / LEVELS**2)
            slope += ((high - low) / 2).view(-1, 1, 1, 1) * step / length / self.pairs
            value += (high + low) / 2 / self.pairs
            self.probes.note(chosen, ((high - low) / 2).cpu())
        return value, slope

    def odds(self, x: Images) -> Scores:
        """Log-odds of malignant, got back from the probabilities that the classifier gives."""
        known = answers_of(self.asked(x), "probabilities").clamp_min(TINY).log()
        return known[:, 1] - known[:, 0]


def whole(x: Images) -> Images:
    """Whole grey levels: what can be sent to a classifier."""
    return (x.clamp(0, 1) * LEVELS).round() / LEVELS


class Estimated(Rival):
    """The classifier as far as its answers show it."""

    right: Bool[Tensor, " n"]  # which of the validation images that choose the epoch the classifier gets right

    def __init__(self, recipe: AdvGAN, model: nn.Module, train: Samples, val: Samples) -> None:
        choosing = choosing_of(recipe.queries, len(train), len(val), recipe.epochs)
        self.asked, self.epochs, self.images = Asked(model, recipe.queries), recipe.epochs, len(train)
        super().__init__(self.asked, picked(val, evenly(len(val), choosing)), recipe.threat)
        self.network: Answering = Answering(self.asked, 1)
        self._know(torch.zeros_like(self.val.labels, dtype=torch.bool))

    def open(self) -> None:
        """Ask which validation images are right."""
        self._know(right(self.asked, self.val))
        self.share(self.epochs, self.epochs)

    def share(self, judged: int, epochs: int) -> None:
        """Share what is left among the epochs to come; the validation images will be asked about `judged` times.

        What does not suffice for one pair more everywhere is kept, until it does for the epochs that are then left.
        """
        left = self.asked.left - judged * len(self.known.ids)
        self.network.pairs = max(1, left // (2 * self.images * epochs))

    def begin(self, rng: Rng, tick: Tick, keep: Keep) -> None:
        """Nothing is learned beforehand."""
        self.network.rng = rng

    def learn(self, generator: Network, train: Samples, epochs: int, rng: Rng) -> dict[str, float]:
        """Nothing; but how many pairs the next epoch has is known now."""
        if epochs > 1:
            self.share(epochs, epochs - 1)
        return {}

    def facts(self) -> dict[str, float]:
        """How many images were asked about so far."""
        return {"queries": float(self.asked.used)}

    def told(self) -> str:
        """The same for the text beside the bar."""
        return f"{self.asked.used} of {self.asked.budget} queries"

    def state(self) -> dict[str, Any]:
        """What was learned about patterns, and how many answers it took."""
        network = {"effect": self.network.probes.effect, "pairs": self.network.pairs}
        return {"right": self.right, **network, "asked": self.asked.state()}

    def resume(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._know(saved["right"].to(self.val.labels.device))
        self.network.probes.effect, self.network.pairs = saved["effect"], saved["pairs"]
        self.asked.resume(saved["asked"])

    def _know(self, mask: Bool[Tensor, " n"]) -> None:
        self.right = mask
        self.known = known_of(self.val, mask)
