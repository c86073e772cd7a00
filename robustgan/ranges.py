"""Do images reach a network in the range that it learned? Two witnesses: its accuracy and its batch norm.

Each is asked about the images as they come and as they would be in other ranges. A batch norm keeps the mean and
variance of what it saw in training: where those fit far better in another range, that is the one it learned.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from robustgan.models._backbone import MEAN, STD
from robustgan.tensors import POSITIVE, Images, Labels, Tensor

SEEN = 64  # images that the batch norm is asked about
FEWEST = 20  # images of known label that accuracy can be judged from
GOOD = 0.7  # balanced accuracy that another range must reach: below, a network knows nothing in any range
BETTER, SURE = 0.1, 4.0  # gain in balanced accuracy that counts, and by how many of its standard errors
OFF, CLOSER = 1.0, 3.0  # misfit of a batch norm that counts, and how many times smaller another range makes it


class Range(NamedTuple):
    """Another way in which images could have reached the network."""

    change: Callable[[Images], Tensor]
    says: str
    advice: str


class Misread(NamedTuple):
    """What the witnesses say."""

    numbers: dict[str, Any]
    says: str
    advice: str


def _per_channel(values: tuple[float, float, float], x: Images) -> Tensor:
    return torch.tensor(values, device=x.device, dtype=x.dtype).view(1, 3, 1, 1)


RANGES = {
    "normalised": Range(
        lambda x: (x - _per_channel(MEAN, x)) / _per_channel(STD, x),
        "were normalised with ImageNet's mean and deviation once more",
        "Set `mean: [0.485, 0.456, 0.406]` and `std: [0.229, 0.224, 0.225]` (--normalise imagenet).",
    ),
    "not-normalised": Range(
        lambda x: x * _per_channel(STD, x) + _per_channel(MEAN, x),
        "were normalised once less: the model normalises inside itself and robustgan does so before it",
        "Set `mean: [0, 0, 0]` and `std: [1, 1, 1]` (--normalise none).",
    ),
    "centred": Range(
        lambda x: 2 * x - 1,
        "were on the scale [-1, 1]",
        "Set `mean: [0.5, 0.5, 0.5]` and `std: [0.5, 0.5, 0.5]` (--normalise half).",
    ),
    "not-centred": Range(
        lambda x: (x + 1) / 2,
        "were centred once less",
        "Set `mean: [0, 0, 0]` and `std: [1, 1, 1]` (--normalise none).",
    ),
    "bytes": Range(
        lambda x: x * 255,
        "were on the scale 0..255",
        "Set `mean: [0, 0, 0]` and `std: [1/255, 1/255, 1/255]` (--normalise bytes).",
    ),
}


def misread(network: nn.Module, x: Images, labels: Labels | None) -> Misread | None:
    """What shows that the network expects another range; None where nothing does."""
    by_norm = _norm(network, x)
    if by_norm:
        name, off, other = by_norm
        says = f"The first batch norm fits badly ({off:.3g}), {off / other:.3g} times better if the images {{}}."
        return _misread(name, {"misfit": off, "misfit_then": other}, says)
    by_accuracy = _accuracy(network, x, labels) if labels is not None and len(x) >= FEWEST else None
    if by_accuracy:
        name, now, then = by_accuracy
        says = f"Balanced accuracy is {now:.1%} on these images, and {then:.1%} if the images {{}}."
        return _misread(name, {"balanced_accuracy": now, "balanced_accuracy_then": then}, says)
    return None


def _misread(name: str, numbers: dict[str, Any], says: str) -> Misread:
    return Misread({"expects": name, **numbers}, says.format(RANGES[name].says), RANGES[name].advice)


# -------------------------------------------------------------------------------------------------- batch norm


def _norm(network: nn.Module, x: Images) -> tuple[str, float, float] | None:
    """The range in which the first batch norm fits far better, its misfit now and then."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d) and _learned(m)]
    if not norms:
        return None
    x = x[:: max(1, len(x) // SEEN)]
    now = _misfit(network, norms[0], x)
    name, then = min(((n, _misfit(network, norms[0], r.change(x))) for n, r in RANGES.items()), key=lambda p: p[1])
    return (name, now, then) if now > OFF and then * CLOSER < now else None


def _learned(norm: nn.BatchNorm2d) -> bool:
    """Whether its running statistics are those of a training, and not the ones that it was made with."""
    mean, var = norm.running_mean, norm.running_var
    return mean is not None and var is not None and bool(mean.any()) and not bool((var == 1).all())


def _misfit(network: nn.Module, norm: nn.BatchNorm2d, x: Images) -> float:
    """Median over the channels of how far mean (in deviations) and variance (logarithm) are from the running ones."""
    seen: list[Tensor] = []
    handle = norm.register_forward_hook(lambda _module, given, _outputs: seen.append(given[0].detach().double()))
    with torch.no_grad():
        network(x)
    handle.remove()
    if not seen or norm.running_mean is None or norm.running_var is None:
        return math.inf
    mean, var = norm.running_mean.double(), norm.running_var.double() + norm.eps
    found_var, found_mean = torch.var_mean(seen[0], (0, 2, 3))
    away, wide = (found_mean - mean).abs() / var.sqrt(), ((found_var + norm.eps) / var).log().abs()
    return float(away.median() + wide.median())


# ---------------------------------------------------------------------------------------------------- accuracy


def _accuracy(network: nn.Module, x: Images, labels: Labels) -> tuple[str, float, float] | None:
    """The range in which the network is right far more often, balanced accuracy now and then."""
    if len(set(labels.tolist())) < 2:
        return None
    now = _right(network, x, labels)
    found = []
    for name, other in RANGES.items():
        then = _right(network, other.change(x), labels)
        gains = [(then - now)[labels == label] for label in (0, 1)]
        gain = sum(float(g.mean()) for g in gains) / 2
        error = math.sqrt(sum(float(g.var()) / len(g) for g in gains if len(g) > 1)) / 2
        if gain >= BETTER and gain > SURE * error and _balanced(then, labels) >= GOOD:
            found.append((gain, name, _balanced(now, labels), _balanced(then, labels)))
    return max(found)[1:] if found else None


def _right(network: nn.Module, x: Tensor, labels: Labels) -> Tensor:
    with torch.no_grad():
        logits = torch.cat([network(part) for part in torch.split(x, 32)])
    return ((logits[:, POSITIVE] >= logits[:, 0]).long() == labels).double()


def _balanced(right: Tensor, labels: Labels) -> float:
    return float(sum(float(right[labels == label].mean()) for label in (0, 1)) / 2)
