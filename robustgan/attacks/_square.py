"""Square attack: squares of one colour, kept where they help; answers alone, no gradients.

Source: Andriushchenko, Croce, Flammarion, Hein 2020, "Square attack: a query-efficient black-box adversarial attack
via random search", algorithms 1 to 3 and section 5 (https://arxiv.org/abs/1912.00049).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from robustgan.attacks._leads import lead
from robustgan.attacks._siege import Outcome, Siege, ahead
from robustgan.draws import seed_of, uniform
from robustgan.interfaces import Linf, lengths
from robustgan.tensors import Images, Scores

SHARE = 0.8  # of the image that the first square covers
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries: where that share is halved
TILES = 5  # of an L2 start, on a side
NUMBERS = 8  # at random a query: two places (top, left), three signs, which way the pyramid lies


class Search(NamedTuple):
    """Where the search stands for each of n images."""

    rows: Tensor
    x: Tensor
    best: Tensor
    height: Tensor  # the lead there
    draws: Tensor  # n queries 8, in U(0, 1)

    def of(self, mask: Tensor) -> Search:
        """Some of the images."""
        return self if mask.all() else Search(*(part[mask] for part in self))


class Seen(NamedTuple):
    """8-bit images that the classifier was shown, which of them fooled it, and how far each search has come."""

    shown: Tensor
    down: Tensor
    height: Tensor


def search(siege: Siege, queries: int) -> Outcome:
    """Show the classifier at most so many images in the place of each; stop where one fools.

    What is shown is what could be sent: 8-bit images inside the budget. So every answer counts as it is.
    """
    done = Outcome(siege.x.clone(), torch.zeros_like(siege.y).bool(), torch.zeros_like(siege.y).double())
    now = begin(siege, queries)
    proposed = stripes(now, siege) if isinstance(siege.threat, Linf) else tiles(now, siege)
    seen: list[Seen] = []
    for asked in range(queries):
        shown = siege.sent(proposed, now.rows)
        logits = siege.ask(shown, now.rows)
        height = lead(logits, siege.y[now.rows])
        better = height > now.height
        now = now._replace(
            best=torch.where(better.view(-1, 1, 1, 1), proposed, now.best),
            height=torch.where(better, height, now.height),
        )
        seen.append(Seen(shown, ahead(logits, siege.y[now.rows]), now.height))
        if siege.due(asked) or asked + 1 == queries:
            now, seen = now.of(swept(seen, now.rows, siege, done)), []
        if not len(now.rows):
            return done
        if asked + 1 < queries:
            proposed = step(now, siege, asked, queries)
    write(done, now.rows, now.best, now.height, fooled=False)
    return done


def swept(seen: list[Seen], rows: Tensor, siege: Siege, done: Outcome) -> Tensor:
    """Look at what was shown since the last look, in order: write down what fell, and say which searches go on."""
    siege.look()
    stands = torch.ones_like(rows).bool()
    for shown, down, height in seen:
        new = down & stands
        write(done, rows[new], shown[new], height[new], fooled=True)
        stands &= ~down
    return stands


def begin(siege: Siege, queries: int) -> Search:
    """Nothing was asked yet; all random numbers of an image depend on its seed and on how many queries there are."""
    rows = torch.arange(len(siege.y), device=siege.y.device)
    low = torch.full(rows.shape, -torch.inf, dtype=torch.float64, device=rows.device)
    draws = uniform([seed_of(seed, "square") for seed in siege.seeds], (queries, NUMBERS), siege.x.device)
    return Search(rows, siege.x, siege.x, low, draws)


def write(done: Outcome, rows: Tensor, points: Images, height: Scores, fooled: bool) -> None:
    """Write down searches that have ended."""
    done.x_adv[rows] = points
    done.fooled[rows] = fooled
    done.height[rows] = height


def share(asked: int, queries: int) -> float:
    """Share of the image that the next square covers; the schedule is stretched to the number of queries."""
    place = asked * 10_000 // queries
    return float(SHARE / 2 ** sum(place > mark for mark in HALVINGS))


def step(now: Search, siege: Siege, asked: int, queries: int) -> Images:
    """The next proposals."""
    height, width = now.x.shape[2:]
    side = round(math.sqrt(share(asked, queries) * height * width))
    draws = now.draws[:, asked]
    if isinstance(siege.threat, Linf):
        return squares(now, siege, draws, min(max(side, 1), height, width))
    return pyramids(now, siege, draws, min(max(side, 3) | 1, height, width))


# --------------------------------------------------------------------------------------------------------- Linf


def stripes(now: Search, siege: Siege) -> Images:
    """Where an Linf search starts: columns of full size, of random sign in each channel."""
    seeds = [seed_of(siege.seeds[row], "square", "start") for row in now.rows.tolist()]
    unit = uniform(seeds, (now.x.shape[1], 1, now.x.shape[3]), now.x.device)
    return siege.threat.project(now.x, now.x + siege.threat.eps * signs(unit))


def squares(now: Search, siege: Siege, draws: Tensor, side: int) -> Images:
    """One square an image in which every channel has full size and a random sign."""
    top, left = corners(draws[:, :2], now.x, side)
    inside = window(top, side, now.x.shape[2])[:, :, None] & window(left, side, now.x.shape[3])[:, None, :]
    move = 2 * siege.threat.eps * signs(draws[:, 2:5])[:, :, None, None]
    return siege.threat.project(now.x, now.best + move * inside[:, None])


def signs(unit: Tensor) -> Tensor:
    """Plus or minus 1 from numbers in U(0, 1)."""
    return torch.where(unit < 0.5, -1.0, 1.0)


def corners(unit: Tensor, x: Images, side: int) -> tuple[Tensor, Tensor]:
    """Top rows and left columns of squares that lie inside the image."""
    rooms = [length - side + 1 for length in x.shape[2:]]
    top, left = ((unit[:, i] * room).long().clamp_max(room - 1) for i, room in enumerate(rooms))
    return top, left


def window(start: Tensor, side: int, length: int) -> Tensor:
    """Which of `length` places lie within `side` of a start, an image."""
    place = torch.arange(length, device=start.device)
    return (place >= start[:, None]) & (place < start[:, None] + side)


# ----------------------------------------------------------------------------------------------------------- L2


def pyramid(height: int, width: int, device: torch.device) -> Tensor:
    """Heaps that fall off from the middle: the n-th ring from the outside adds 1, 1/4, 1/9, ... inwards."""
    rows = (torch.arange(height, device=device) - height // 2).abs()[:, None]
    columns = (torch.arange(width, device=device) - width // 2).abs()[None, :]
    rings = max(height, width) // 2 + 1
    heap = (1 / torch.arange(1, rings + 1, device=device).double().square()).flip(0).cumsum(0).flip(0)
    return heap[torch.maximum(rows, columns).clamp_max(rings - 1)].float()


def pair(side: int, device: torch.device) -> Tensor:
    """A heap above a hollow, of length 1."""
    found = torch.cat([pyramid(side // 2, side, device), -pyramid(side - side // 2, side, device)])
    length: Tensor = found.norm()
    return found / length


def tiles(now: Search, siege: Siege) -> Images:
    """Where an L2 search starts: pairs of heaps all over, of random sign and direction."""
    height, width = now.x.shape[2:]
    side = max(min(height, width) // TILES, 2)
    down, across = height // side, width // side
    seeds = [seed_of(siege.seeds[row], "square", "start") for row in now.rows.tolist()]
    unit = uniform(seeds, (4, down, across), now.x.device)
    heap = pair(side, now.x.device)
    lying = (unit[:, 3] < 0.5)[:, None, :, None, :, None]
    sign = signs(unit[:, :3])[:, :, :, None, :, None]
    laid = sign * torch.where(lying, heap.T[:, None, :], heap[:, None, :])
    change = torch.zeros_like(now.x)
    change[:, :, : down * side, : across * side] = laid.reshape(len(now.x), 3, down * side, across * side)
    return siege.threat.project(now.x, now.x + sized(change, siege.threat.eps))


def pyramids(now: Search, siege: Siege, draws: Tensor, side: int) -> Images:
    """Take all change out of one square and put as much, and what the budget has left, into another as a pair."""
    change = now.best - now.x
    height, width = now.x.shape[2:]
    spots = [corners(draws[:, pick], now.x, side) for pick in (slice(0, 2), slice(2, 4))]
    masks = [window(r, side, height)[:, None, :, None] & window(c, side, width)[:, None, None, :] for r, c in spots]
    left = (siege.threat.eps**2 - lengths(change).square()).clamp_min(0).view(-1, 1, 1, 1) / 3
    held = (change * (masks[0] | masks[1])).square().sum((2, 3), keepdim=True)
    heap = pair(side, change.device)
    upright = (draws[:, 7] < 0.5).view(-1, 1, 1, 1)
    heap = torch.where(upright, heap, heap.T) * signs(draws[:, 4:7])[:, :, None, None]
    old = cut(change, spots[0], side)
    new = heap + old / old.flatten(2).norm(dim=2).clamp_min(1e-12)[:, :, None, None]
    new = new / new.flatten(2).norm(dim=2).clamp_min(1e-12)[:, :, None, None] * (left + held).sqrt()
    changed = paste(change * ~masks[1], new, spots[0])
    return siege.threat.project(now.x, now.x + sized(changed, siege.threat.eps))


def places(spot: tuple[Tensor, Tensor], side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of images, rows and columns of a square in each image."""
    run = torch.arange(side, device=spot[0].device)
    images = torch.arange(len(spot[0]), device=spot[0].device)[:, None, None]
    return images, (spot[0][:, None] + run)[:, :, None], (spot[1][:, None] + run)[:, None, :]


def cut(change: Tensor, spot: tuple[Tensor, Tensor], side: int) -> Tensor:
    """The square of each image."""
    images, rows, columns = places(spot, side)
    return change.permute(0, 2, 3, 1)[images, rows, columns].permute(0, 3, 1, 2)


def paste(change: Tensor, piece: Tensor, spot: tuple[Tensor, Tensor]) -> Tensor:
    """Put a square back into each image."""
    images, rows, columns = places(spot, piece.shape[-1])
    laid = change.permute(0, 2, 3, 1).clone()
    laid[images, rows, columns] = piece.permute(0, 2, 3, 1)
    return laid.permute(0, 3, 1, 2)


def sized(change: Tensor, length: float) -> Tensor:
    """Changes of this Euclidean length; none stays none."""
    return change * (length / lengths(change).clamp_min(1e-12)).view(-1, 1, 1, 1)
