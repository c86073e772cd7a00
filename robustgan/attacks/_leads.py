"""How far wrong classes are ahead of the right one: losses for any number of classes, that no scale can blind.

Gradient attacks with normalised steps use no more of a loss than the direction of its gradient and the order of its
values. Both are kept by any rising function, so the loss that is easiest on floating point is taken.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from robustgan.tensors import Labels, Logits, Scores

Loss = Callable[[Logits, Labels, Labels], Scores]  # logits, right classes, classes aimed at
TINY = 1e-12


def others(logits: Logits, y: Labels) -> Logits:
    """The logits of the wrong classes; the right one's is minus infinity."""
    return logits.scatter(1, y[:, None], -torch.inf)


def at(logits: Logits, classes: Labels) -> Scores:
    """The logit of one class an image."""
    return logits.gather(1, classes[:, None]).squeeze(1)


def lead(logits: Logits, y: Labels) -> Scores:
    """Highest wrong logit minus the right one; above 0 the image fools the classifier."""
    return others(logits, y).amax(1) - at(logits, y)


def entropy(logits: Logits, y: Labels, target: Labels) -> Scores:
    """Log of the odds against the right class.

    Cross-entropy is its softplus, which rises with it, so both send an attack with normalised steps along the same
    path. But the gradient of cross-entropy is 0 in floating point where the model is sure, and this one is not. With
    two classes it is the margin.
    """
    return others(logits, y).logsumexp(1) - at(logits, y)


def ratio(logits: Logits, y: Labels, target: Labels) -> Scores:
    """The lead over the spread of the logits, from the highest to the third; the plain lead with two classes.

    Two logits have no third, and their lead over their own distance would be a constant.

    Source: the DLR loss of Croce and Hein 2020 (https://arxiv.org/abs/2003.01690), equation 6.
    """
    if logits.shape[1] == 2:
        return lead(logits, y)
    top = logits.topk(3, dim=1).values
    return lead(logits, y) / (top[:, 0] - top[:, 2] + TINY)


def aimed(logits: Logits, y: Labels, target: Labels) -> Scores:
    """The lead of the class aimed at over the spread of the logits; with three classes that to the third.

    Source: the targeted DLR loss of Croce and Hein 2020, equation 7, which needs four classes.
    """
    gain = at(logits, target) - at(logits, y)
    if logits.shape[1] == 2:
        return gain
    top = logits.topk(min(4, logits.shape[1]), dim=1).values
    return gain / (top[:, 0] - top[:, 2:].mean(1) + TINY)


def towards(logits: Logits, y: Labels, target: Labels) -> Scores:
    """The plain lead of the class aimed at: 0 on the boundary between it and the right one."""
    return at(logits, target) - at(logits, y)


def ranked(logits: Logits, y: Labels, rank: int) -> Labels:
    """The wrong class that is closest (rank 0), next closest, ... of each image."""
    return others(logits, y).sort(dim=1, descending=True, stable=True).indices[:, rank]
