"""A small network that learns the classifier's answers: where its gradients do better than the classifier's, those lie.

Source: Papernot et al. 2017, "Practical black-box attacks against machine learning", section 4
(https://arxiv.org/abs/1602.02697): a substitute learns the answers about images and about changes of them.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from robustgan.attacks._margin import margin
from robustgan.augment import dihedral
from robustgan.batches import Room, halved
from robustgan.interfaces import Bounded
from robustgan.quantise import to_float
from robustgan.tensors import Bytes, Images, Network, Rng, Scores, Tensor

VARIANTS = 8  # answers asked about each image: itself and changes of it
ASKED = 256  # images that are asked about at once, at most
STEPS = 150  # of Adam
BATCH = 64
LR = 5e-3  # peak


def network() -> nn.Sequential:
    """Three convolutions beside a linear view of the image in small blocks; one logit."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 1)),
    )


class Surrogate(nn.Module):
    """Two logits (0, sum of both views) for images in [0, 1]."""

    def __init__(self, side: tuple[int, int]) -> None:
        super().__init__()
        self.deep, self.flat = network(), nn.Linear(3 * side[0] * side[1], 1)
        nn.init.zeros_(self.flat.weight)

    def forward(self, x: Images) -> Tensor:
        """The logits."""
        centred = x * 2 - 1
        odds = (self.deep(centred) + self.flat(centred.flatten(1)))[:, 0]
        return torch.stack([torch.zeros_like(odds), odds], 1)


def distilled(model: Network, images: Bytes, threat: Bounded, seed: int) -> Network:
    """Train a surrogate on the classifier's answers about these images and changes of them, turned and noisy."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.cat([to_float(images), *(changed(to_float(images), threat, rng) for _ in range(VARIANTS - 1))])

    def asked(part: slice) -> Scores:
        return margin(model(x[part]), torch.zeros(len(x[part]), device=x.device).long())

    with torch.no_grad():
        odds = torch.cat(list(halved(len(x), Room(ASKED), asked, "answers")))
    target = torch.sigmoid(odds / odds.abs().median().clamp_min(1e-30))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        surrogate = Surrogate((x.shape[2], x.shape[3])).to(x.device)
    learn(surrogate, x, target, rng)
    return surrogate.eval()


def changed(x: Images, threat: Bounded, rng: Rng) -> Images:
    """Images turned, mirrored, and moved within twice the budget by blocks of noise of random size."""
    side = int(2 ** torch.randint(0, 4, (1,), generator=rng))
    small = torch.randn(len(x), 3, -(-x.shape[2] // side), -(-x.shape[3] // side), generator=rng).to(x.device)
    noise = functional.interpolate(small, scale_factor=side, mode="nearest")[..., : x.shape[2], : x.shape[3]]
    return (dihedral(x, rng) + threat.ascend(noise, 2 * threat.eps)).clamp(0, 1)


def learn(surrogate: nn.Module, x: Images, target: Scores, rng: Rng) -> None:
    """Fit the surrogate to the answers; the learning rate falls to nothing."""
    optimizer = torch.optim.Adam(surrogate.parameters(), lr=LR)
    surrogate.train()
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = LR * (1 - step / STEPS)
        index = torch.randint(0, len(x), (BATCH,), generator=rng).to(x.device)
        loss = functional.binary_cross_entropy_with_logits(surrogate(x[index])[:, 1], target[index])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
