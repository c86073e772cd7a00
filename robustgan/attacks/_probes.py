"""Patterns to add to an image in order to see how a classifier's answer moves.

Noise in every pixel hardly moves it. Classifiers begin with convolutions that skip pixels, so what repeats every 2, 4
or 8 pixels moves them most, and the direction differs from place to place: hence windows. Smooth and blocky patterns
find what is left. Which sorts move this classifier is learned from its answers, and those are drawn more often.

Source:
    Ilyas, Engstrom, Madry, "Prior convictions", ICLR 2019, section 3 (patterns of tiles); Andriushchenko et al.,
    "Square attack", ECCV 2020, section 3 (windows, signs).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional

from robustgan.shapes import Float, Int
from robustgan.tensors import Images, Rng, Tensor

MEMORY = 0.95  # share that the running mean of a sort's effect keeps in a step
LEAST = 0.02  # squared nats: no sort is given up


class Sort(NamedTuple):
    """One sort of pattern."""

    shape: str  # periodic, smooth or blocks
    step: int  # pixels
    windows: int = 1  # a periodic pattern fills one of so many parts of the side, and none of the rest


SORTS = (
    *(Sort("periodic", step, windows) for step in (2, 4, 8) for windows in (1, 2, 4)),
    *(Sort("smooth", step) for step in (2, 4, 8, 16)),
    *(Sort("blocks", step) for step in (1, 2, 4, 8)),
)


def pattern(sort: Sort, height: int, width: int, rng: Rng) -> Float[Tensor, "3 h w"]:
    """One pattern of signs; what fills a window is louder there."""
    step = sort.step
    if sort.shape == "periodic":
        signs = torch.randn(3, step, step, generator=rng).sign()
        whole = signs.repeat(1, height // step + 1, width // step + 1)[:, :height, :width]
        return windowed(whole, sort.windows, rng)
    small = torch.randn(1, 3, height // step + 2, width // step + 2, generator=rng)
    mode = "bilinear" if sort.shape == "smooth" else "nearest"
    large: Tensor = functional.interpolate(small, scale_factor=step, mode=mode)
    return large[0, :, :height, :width].sign()


def windowed(whole: Float[Tensor, "3 h w"], windows: int, rng: Rng) -> Float[Tensor, "3 h w"]:
    """Keep one window at a random place."""
    sides = [max(1, side // windows) for side in whole.shape[1:]]
    top, left = (
        int(torch.randint(0, whole.shape[i + 1] - side + 1, (1,), generator=rng)) for i, side in enumerate(sides)
    )
    kept = torch.zeros_like(whole)
    rows, columns = slice(top, top + sides[0]), slice(left, left + sides[1])
    kept[:, rows, columns] = whole[:, rows, columns] * windows**0.5
    return kept


class Probes:
    """Patterns of all sorts, and how much each sort moved the answers so far."""

    def __init__(self) -> None:
        self.effect = torch.ones(len(SORTS))  # mean squared movement of the log-odds, nats

    def draw(self, like: Images, rng: Rng) -> tuple[Images, Int[Tensor, " n"]]:
        """One pattern an image, and the number of its sort."""
        chosen = torch.multinomial(self.effect.sqrt(), len(like), replacement=True, generator=rng)
        height, width = like.shape[2:]
        patterns = torch.stack([pattern(SORTS[number], height, width, rng) for number in chosen.tolist()])
        return patterns.to(like.device), chosen

    def note(self, chosen: Int[Tensor, " n"], moved: Float[Tensor, " n"]) -> None:
        """Remember how far the patterns moved the log-odds."""
        for number in sorted(set(chosen.tolist())):
            effect = float(moved[chosen == number].square().mean())
            self.effect[number] = MEMORY * self.effect[number] + (1 - MEMORY) * (effect + LEAST)
