"""The surrogates of AdvGAN: compact networks that learn from images and answers, and lend their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from robustgan.augment import dihedral
from robustgan.errors import InputError
from robustgan.gan.imitation import (
    DECAY,
    Answers,
    Imitator,
    Panel,
    cosine,
    cross_entropy,
    moves_apart,
    odds_apart,
    shuffled,
)
from robustgan.gan.surrogate import Surrogate
from robustgan.quantise import to_float
from robustgan.tensors import Bytes, Images, Logits, Rng

Losses = Callable[[Tensor], list[Tensor]]  # of the images with these row numbers


class Pairs(NamedTuple):
    """Images before and after a change, and the answers about both; the latest ones."""

    before: Bytes
    after: Bytes
    known: Answers  # about the image before
    told: Answers  # about the image after
    most: int  # how many are kept

    @classmethod
    def none(cls, like: Bytes, most: int) -> Pairs:
        """No pairs yet, of images like these."""
        answers = torch.zeros(0, 2, device=like.device)
        return cls(like[:0], like[:0], answers, answers, most)

    def joined(self, *new: Tensor) -> Pairs:
        """These and newer ones."""
        before, after, known, told = (
            torch.cat([old, more])[-self.most :] for old, more in zip(self[:4], new, strict=True)
        )
        return Pairs(before, after, known, told, self.most)


class Pupils:
    """Surrogates of one sort that differ in their starting weights, and their optimiser."""

    def __init__(self, settings: Surrogate, count: int, images: Bytes, loss: str) -> None:
        self.settings, self.loss = settings, odds_apart if loss == "log-odds" else cross_entropy
        self.network = Panel(built(settings, images) for _ in range(count)).to(memory_format=torch.channels_last)
        self.adam = torch.optim.AdamW(self.network.parameters(), weight_decay=DECAY)
        self.network.eval().requires_grad_(False)

    def peak(self, epoch: int) -> float:
        """The learning rate of an epoch before the generator begins."""
        return self.settings.lr * cosine(epoch / self.settings.epochs)

    def learn(self, images: Bytes, answers: Answers, lr: float, batch: int, rng: Rng) -> float:
        """Go once through images and answers; the mean loss.

        Args:
            images: what was asked about; they are turned and mirrored, for a classifier of tissue answers the same.
            answers: about each image.
            lr: learning rate.
            batch: images at once.
            rng: of the order and the turns.
        """

        def losses(rows: Tensor) -> list[Tensor]:
            x = dihedral(to_float(images[rows]), rng)
            return [self.loss(logits, answers[rows]) for logits in self.logits(x)]

        return self.go_through(len(images), losses, lr, batch, rng)

    def compare(self, pairs: Pairs, lr: float, batch: int, rng: Rng) -> float:
        """Go once through pairs of images, as they were asked about; the mean loss.

        What is learned are both answers and, where probabilities are known, how far the change moved the odds.

        Source: Czarnecki et al., "Sobolev training for neural networks", NeurIPS 2017 (slopes beside values; here
        differences, which is all that answers tell).
        """

        def losses(rows: Tensor) -> list[Tensor]:
            answers = torch.cat([pairs.known[rows], pairs.told[rows]])
            found = self.logits(torch.cat([to_float(pairs.before[rows]), to_float(pairs.after[rows])]))
            each = [self.loss(logits, answers) for logits in found]
            if self.loss is not odds_apart:
                return each
            return [loss + moves_apart(logits, answers) for loss, logits in zip(each, found, strict=True)]

        return self.go_through(len(pairs.before), losses, lr, batch, rng)

    def logits(self, x: Images) -> list[Logits]:
        """Those of each network."""
        return self.network.each(x.contiguous(memory_format=torch.channels_last))

    def go_through(self, count: int, losses: Losses, lr: float, batch: int, rng: Rng) -> float:
        """Learn from every row once; `losses` gives those of each network, which has its own gradient."""
        self.adam.param_groups[0]["lr"] = lr
        self.network.train().requires_grad_(True)
        device = next(self.network.parameters()).device
        total = torch.zeros((), device=device)
        for rows in shuffled(count, batch, rng):
            found = torch.stack(losses(rows.to(device)))
            self.adam.zero_grad()
            found.sum().backward()  # type: ignore[no-untyped-call]
            self.adam.step()
            total += found.detach().mean() * len(rows)
        self.network.eval().requires_grad_(False)
        return float(total) / count

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {"surrogate": self.network.state_dict(), "adam_surrogate": self.adam.state_dict()}

    def resume(self, saved: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.network.load_state_dict(saved["surrogate"])
        self.adam.load_state_dict(saved["adam_surrogate"])


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
