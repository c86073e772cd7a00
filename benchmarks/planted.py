"""A problem with any number of classes that a small network learns in seconds, for the benchmarks of attacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE, COARSE = (
    15,
    3,
)  # sides of an image and of the patterns it hides, in pixels; fifths, or the L2 Square of others fails
PATTERN, NOISE = 0.16, 0.12  # amplitudes, on the [0, 1] scale


def problem(classes: int, images: int, seed: int) -> tuple[Tensor, Tensor]:
    """8-bit images (as floats in [0, 1]) that hide one smooth pattern a class under noise, and their classes."""
    patterns = torch.randn(classes, 3, COARSE, COARSE, generator=torch.Generator().manual_seed(classes)).tanh()
    smooth = functional.interpolate(patterns, size=SIZE, mode="bilinear", align_corners=False)
    rng = torch.Generator().manual_seed(seed)
    y = torch.arange(images) % classes
    size = PATTERN * (0.4 + torch.rand(images, 1, 1, 1, generator=rng))
    x = 0.5 + size * smooth[y] + NOISE * torch.randn(images, 3, SIZE, SIZE, generator=rng)
    return (x.clamp(0, 1) * 255).round() / 255, y


def network(classes: int) -> nn.Module:
    """A small convolutional network, trained on 2,000 images of the problem; frozen."""
    torch.manual_seed(classes)
    layers = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(800, 32), nn.ReLU(), nn.Linear(32, classes),
    )  # fmt: skip
    x, y = problem(classes, 2000, seed=1)
    model = Scaled(layers)
    adam = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(6):
        for rows in torch.randperm(len(y)).split(50):
            adam.zero_grad()
            functional.cross_entropy(model(x[rows]), y[rows]).backward()
            adam.step()
    return model.eval().requires_grad_(False)


class Scaled(nn.Module):
    """Normalises inside itself."""

    def __init__(self, layers: nn.Module, middle: float = 0.5, scale: float = 12) -> None:
        super().__init__()
        self.layers, self.middle, self.scale = layers, middle, scale

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images in [0, 1]."""
        logits: Tensor = self.layers((x - self.middle) * self.scale)
        return logits
