"""A search that asks for answers alone: random squares, kept where they help. No gradient is needed, so none misleads.

Source: Andriushchenko, Croce, Flammarion, Hein, "Square attack", ECCV 2020, algorithm 1 and section 3.2 (squares that
shrink, signs at full budget). Here a move is a window of signs, twice as long as the budget, brought back into it:
for Linf that is theirs, and it makes sense for L2 too.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from robustgan.attacks._margin import margin
from robustgan.counting import focus
from robustgan.draws import seed_of, uniform
from robustgan.interfaces import Attack, Bounded, State
from robustgan.tensors import Images, Labels, Network, Rng, Tensor

LARGEST = 0.4  # share of the image that the first windows cover
SMALLEST = 0.01  # and the last


class Search(Attack):
    """Random windows of signs; an image is left alone once it fools the classifier."""

    access = "query"

    threat: Bounded
    queries: Annotated[int, Field(ge=1)] = 200  # answers an image, at most

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        """Return, for each image, the point where the wrong class was furthest ahead."""
        rngs = [torch.Generator().manual_seed(seed_of("search", seed)) for seed in state.seeds]
        best = self.threat.project(x, x + self.threat.ascend(stripes(x, state), self.threat.eps))
        with torch.no_grad():
            height = margin(model(best), y)
            for query in range(1, self.queries):
                left = (height <= 0).nonzero().flatten()
                if not len(left):
                    break
                signs = torch.stack([window(x[i], self.share(query), rngs[i]) for i in left.tolist()])
                tried = best[left] + self.threat.ascend(signs.to(x), 2 * self.threat.eps)
                tried = self.threat.project(x[left], tried)
                with focus(model, left):
                    value = margin(model(tried), y[left])
                better = value >= height[left]
                best[left[better]], height[left[better]] = tried[better], value[better]
        return best

    def share(self, query: int) -> float:
        """Share of the image that a window covers: it shrinks evenly on a logarithmic scale."""
        return float(LARGEST * (SMALLEST / LARGEST) ** (query / self.queries))


def stripes(x: Images, state: State) -> Tensor:
    """Vertical stripes of random signs, one pixel wide: the start."""
    unit = uniform([seed_of("stripes", seed) for seed in state.seeds], (3, 1, x.shape[3]), x.device)
    return (unit - 0.5).sign().expand_as(x)


def window(x: Tensor, share: float, rng: Rng) -> Tensor:
    """One sign a channel in a square at a random place, zero elsewhere."""
    height, width = x.shape[1:]
    side = max(1, min(height, width, round((share * height * width) ** 0.5)))
    top, left = (int(torch.randint(0, room - side + 1, (1,), generator=rng)) for room in (height, width))
    signs = torch.zeros(x.shape)
    signs[:, top : top + side, left : left + side] = torch.randint(0, 2, (3, 1, 1), generator=rng) * 2.0 - 1
    return signs
