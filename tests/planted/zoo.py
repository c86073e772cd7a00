"""Broken defences, each around a sound classifier: it looks robust and is not, or its evidence cannot be had."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Defence(nn.Module):
    """Something before, inside or behind a classifier."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model


class Quantised(Defence):
    """Rounds the image to so many levels: the gradient of rounding is zero."""

    levels = 32

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model((x * self.levels).round() / self.levels)


class EightBit(Quantised):
    """Rounds to what the image is made of anyway: no answer changes, and every gradient is gone."""

    levels = 255


class Resized(Defence):
    """Scales the image by a random factor first."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        side = int(torch.randint(16, 33, (1,)))
        smaller = functional.interpolate(x, size=(side, side), mode="bilinear", antialias=True)
        return self.model(functional.interpolate(smaller, size=x.shape[2:], mode="bilinear"))


class Saturated(Defence):
    """Logits so large that probabilities are 0 and 1."""

    scale = 1e4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x) * self.scale


class Cold(Saturated):
    """Temperature 1e-6."""

    scale = 1e6


class ColdProbabilities(Defence):
    """Probabilities at temperature 1e-6 in the place of logits."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.model(x) * 1e6).softmax(1)


class Wave(torch.autograd.Function):
    """The identity, with a gradient full of noise that depends on the image."""

    @staticmethod
    def forward(ctx, x):  # noqa: ANN001, ANN205
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):  # noqa: ANN001, ANN205
        (x,) = ctx.saved_tensors
        return gradient * (x * 9731).sin() * 5


class Shattered(Defence):
    """A fast wave on every pixel: amplitude half a grey level, slopes of thirty to either side."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x + (x * 16000).sin() * 0.002)


class WrongGradient(Defence):
    """Backward does not belong to forward."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(Wave.apply(x))


class Killed(Defence):
    """The gradient is multiplied by zero."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x.detach() + 0 * x)


class Detached(Defence):
    """Features are detached; the gradient comes through the mean colour alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hint = (x - 0.5).mean((1, 2, 3)) * 1e-3
        return self.model(x.detach()) + torch.stack([hint, -hint], 1)


class Dropped(Defence):
    """Dropout that is never switched off."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(functional.dropout(x - 0.5, 0.1, training=True) + 0.5)


class NarrowRange(Defence):
    """Only a fiftieth of the range of a pixel has any slope: a staircase whose edges are steep, and smooth on paper."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        place = x * 24
        stair = place.detach().floor()
        return self.model((stair + ((place - stair - 0.5) * 1000).sigmoid()) / 24)


class HalfKilled(Defence):
    """Has gradients for the images that it calls benign alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = self.model(x)
        return torch.where(logits[:, 1:] > logits[:, :1], logits.detach(), logits)


class NoiseDetector(Defence):
    """Where an image is rougher than tissue is, a coarse copy of it answers, and the gradient ends."""

    variance = 0.0012  # of white noise per pixel; the tissue's own is 0.0009, signs of 8/255 add 0.001
    kernel = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])  # white noise comes out 36 times

    def rough(self, x: torch.Tensor) -> torch.Tensor:
        found = functional.conv2d(x, self.kernel.to(x).expand(3, 1, 3, 3), groups=3)
        return found.square().mean((1, 2, 3)) / 36

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            smooth = functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
            calm = self.model((smooth * 32).round() / 32)
        return torch.where((self.rough(x) > self.variance).view(-1, 1), calm, self.model(x))


class ArgMax(Defence):
    """The label alone, one-hot."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.one_hot(self.model(x).argmax(1), 2).float()


BROKEN = (
    *(Quantised, EightBit, Resized, Saturated, Cold, ColdProbabilities, Shattered, WrongGradient, Killed, Detached),
    *(HalfKilled, Dropped, NarrowRange, NoiseDetector, ArgMax),
)
