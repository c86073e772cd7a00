"""The surrogates of AdvGAN: compact networks that learn from images and answers, and lend their gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from robustgan.augment import dihedral
from robustgan.errors import InputError
from robustgan.gan.imitation import DECAY, Answers, Imitator, Panel, cosine, cross_entropy, odds_apart, shuffled
from robustgan.gan.surrogate import Surrogate
from robustgan.quantise import to_float
from robustgan.shapes import Bool
from robustgan.tensors import Bytes, Rng


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

    def learn(
        self, images: Bytes, answers: Answers, turned: Bool[Tensor, " n"], lr: float, batch: int, rng: Rng
    ) -> float:
        """Go once through all images and answers; the mean loss.

        Args:
            images: what was asked about.
            answers: about each image.
            turned: images that may be turned and mirrored: a classifier of tissue answers the same.
            lr: learning rate.
            batch: images at once.
            rng: of the order and the turns.
        """
        self.adam.param_groups[0]["lr"] = lr
        self.network.train().requires_grad_(True)
        total = torch.zeros((), device=images.device)
        for rows in shuffled(len(images), batch, rng):
            index = rows.to(images.device)
            x = to_float(images[index])
            x = torch.where(turned[index].view(-1, 1, 1, 1), dihedral(x, rng), x)
            logits = self.network.each(x.contiguous(memory_format=torch.channels_last))
            losses = torch.stack([self.loss(own, answers[index]) for own in logits])
            self.adam.zero_grad()
            losses.sum().backward()  # type: ignore[no-untyped-call]  # each network has its own gradient
            self.adam.step()
            total += losses.detach().mean() * len(rows)
        self.network.eval().requires_grad_(False)
        return float(total) / len(images)

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
