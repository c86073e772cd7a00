"""Whom AdvGAN's generator trains against: here the classifier itself; `_distilled.py` has the surrogate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from robustgan.attacks._change import noisy
from robustgan.attacks._validation import Known, recognised, success
from robustgan.interfaces import Bounded, Samples
from robustgan.journal import Tick
from robustgan.tensors import Network, Rng

Keep = Callable[[], None]  # writes a checkpoint


class Rival:
    """The classifier, gradients and all: nothing has to be learned about it."""

    known: Known  # validation images that choose the epoch
    noise: float  # share of them that random noise of full size fools: the control
    stand_in: Network | None = None  # what learned the victim's answers, and is trained against in its place

    def __init__(self, model: Network, val: Samples, threat: Bounded) -> None:
        self.val, self.threat = val, threat
        self.victim = model  # says whether an image fools
        self.network = model  # lends its gradients

    def open(self) -> None:
        """What is asked before anything is learned."""

    def begin(self, rng: Rng, tick: Tick, keep: Keep) -> None:
        """What is learned, or what is still to be learned, before the generator's first epoch."""
        self.known = recognised(self.victim, self.val)
        self.noise = success(self.victim, lambda x, y, ids: noisy(x, ids, self.threat), self.known, self.threat).rate

    def learn(self, generator: Network, train: Samples, epochs: int, rng: Rng) -> dict[str, float]:
        """What is learned after an epoch of the generator, with so many (this one too) to go; numbers to record."""
        return {}

    def facts(self) -> dict[str, float]:
        """Numbers to record beside the generator's success."""
        return {"val_noise": self.noise}

    def told(self) -> str:
        """The same for the text beside the bar."""
        return f"noise {self.noise:.0%}"

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {}

    def resume(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
