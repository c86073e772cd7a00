"""How a classifier answers: is it the same twice, alone and in company; are its outputs logits; are they saturated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from robustgan.batches import Room, halved
from robustgan.draws import seed_of, uniform
from robustgan.interfaces import Bounded
from robustgan.operating import plain
from robustgan.probing.judging import Victim
from robustgan.quantise import to_float
from robustgan.tensors import Bytes, Images, Logits, Network, Scores, Tensor

Facts = dict[str, Any]  # plain values, for a JSON file

REPEATS = 3  # times that the same images are shown
ALONE = 8  # images that are also shown one at a time
EXACT = 1e-6  # how close to 0 and 1 an output has to be to count as one-hot


def logits_of(network: Network, x: Images, room: Room) -> Logits:
    """All logits, a batch at a time."""
    with torch.no_grad():
        return torch.cat(list(halved(len(x), room, lambda part: network(x[part]).float(), "answers")))


def neighbours(images: Bytes, threat: Bounded, seed: int) -> Images:
    """A random point within the budget of each image."""
    x = to_float(images)
    unit = uniform([seed_of("neighbour", seed, i) for i in range(len(x))], x.shape[1:], x.device)
    return threat.project(x, x + threat.start(unit))


def outputs(network: Network, images: Bytes, room: Room) -> Facts:
    """What the outputs look like, and how many are so far apart that float32 calls the probability 0 or 1."""
    with optimising() as steps:
        logits = logits_of(plain(network), to_float(images), room)
    apart = (logits[:, 1] - logits[:, 0]).abs().double()
    finite = torch.isfinite(logits).all(1)
    probability = logits.softmax(1)
    return {
        "images": len(images),
        "not_finite": int((~finite).sum()),
        "outputs": form(logits[finite]),
        "vanished": int((probability.amin(1) == 0).sum()),
        "certain": int((probability.amax(1) == 1).sum()),
        "median_margin": float(apart[finite].median()) if finite.any() else None,
        "gradient_calls": steps[0],
    }


def form(logits: Logits) -> str:
    """One-hot, probabilities or logits."""
    summed = ((logits.sum(1) - 1).abs() < EXACT * 10).all() and ((logits >= 0) & (logits <= 1)).all()
    if not len(logits) or not summed:
        return "logits"
    return "one-hot" if ((logits < EXACT) | (logits > 1 - EXACT)).all() else "probabilities"


@contextmanager
def optimising() -> Iterator[list[int]]:
    """Count the gradients that anything takes meanwhile: a classifier that only answers takes none."""
    counted = [0]
    backward, grad = torch.autograd.backward, torch.autograd.grad

    def counting(call: Any) -> Any:
        def counted_call(*arguments: Any, **named: Any) -> Any:
            counted[0] += 1
            return call(*arguments, **named)

        return counted_call

    torch.autograd.backward, torch.autograd.grad = counting(backward), counting(grad)
    try:
        yield counted
    finally:
        torch.autograd.backward, torch.autograd.grad = backward, grad


def repeated(victim: Victim, images: Bytes, threat: Bounded) -> Facts:
    """Show images and neighbours of them again, alone and in another order."""
    network, seed, room = victim
    x = torch.cat([to_float(images), neighbours(images, threat, seed)])
    first = odds(network, x, room)
    again = [odds(network, x, room) for _ in range(REPEATS - 1)]
    alone = torch.cat([odds(network, x[i : i + 1], room) for i in range(min(ALONE, len(x)))])
    turned = odds(network, x.flip(0), room).flip(0)
    company = torch.cat([alone, turned])
    expected = torch.cat([first[: len(alone)], first])
    return {
        "asked_twice": len(x),
        "repeat_flips": int(torch.stack([flips(first, other) for other in again]).any(0).sum()),
        "repeat_change": max(change(first, other) for other in again),
        "company_flips": int(flips(expected, company).sum()),
        "company_change": change(expected, company),
    }


def odds(network: Network, x: Images, room: Room) -> Scores:
    """Logit of malignant minus logit of benign, at the operating point."""
    logits = logits_of(network, x, room)
    difference: Scores = logits[:, 1] - logits[:, 0]
    return difference


def flips(first: Scores, other: Scores) -> Tensor:
    """Which labels differ."""
    return (first >= 0) != (other >= 0)


def change(first: Scores, other: Scores) -> float:
    """Largest difference, as a share of the median size of an answer."""
    size = first.abs().median().clamp_min(1e-30)
    return float(((first - other).abs().max() / size).clamp_max(1e9))
