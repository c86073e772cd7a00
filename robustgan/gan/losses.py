"""What a perturbation generator is trained on: means over images, whose size does not depend on the batch.

Source:
    Xiao et al., "Generating Adversarial Examples with Adversarial Networks", IJCAI 2018, section 3.1; Mao et
    al., ICCV 2017 (least-squares GAN); Carlini, Wagner, S&P 2017, section V (margin of logits with confidence
    kappa).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from robustgan.shapes import Float
from robustgan.tensors import Images, Labels, Logits, Scores

Features = Float[Tensor, "n ..."]  # of a layer of a network
Patches = Float[Tensor, "n 1 a b"]  # how real each part of an image looks


def margin(logits: Logits, labels: Labels) -> Scores:
    """Logit of the right label minus the highest of the others: below 0 the image fools the model."""
    right = logits.gather(1, labels[:, None]).squeeze(1)
    return right - logits.scatter(1, labels[:, None], -torch.inf).amax(1)


def balance(labels: Labels, classes: int = 2) -> Float[Tensor, " k"]:
    """Weight of each class: each that occurs weighs the same in all, and the mean weight of `labels` is 1."""
    counts = torch.bincount(labels, minlength=classes).float()
    present = (counts > 0).sum()
    return torch.where(counts > 0, len(labels) / (counts.clamp_min(1) * present), 0.0)


def fooling(logits: Logits, labels: Labels, weights: Float[Tensor, " k"], kappa: float) -> Float[Tensor, ""]:
    """Mean of softplus(margin + kappa), weighted by class: small once every margin is far below -kappa.

    Unlike the paper's hinge it has a gradient on both sides of the boundary: rounding does not undo the
    success.
    """
    return (weights[labels] * functional.softplus(margin(logits.float(), labels) + kappa)).mean()


def margin_hinge(logits: Logits, labels: Labels, kappa: float) -> Float[Tensor, ""]:
    """Mean of max(margin, -kappa): the paper's loss, every image alike; no gradient once an image fools by kappa."""
    return margin(logits.float(), labels).clamp_min(-kappa).mean()


def likeness(changed: Features, original: Features, weights: Scores) -> Float[Tensor, ""]:
    """Weighted mean cosine of an image's features before and after the change; -1: turned around.

    Source: Zhang et al., "Beyond ImageNet Attack", ICLR 2022, section 3.3 (the plain objective).
    """
    pairs = (changed.float().flatten(1), original.float().flatten(1))
    return (weights * functional.cosine_similarity(*pairs)).mean()


def discriminator(real: Patches, fake: Patches) -> Float[Tensor, ""]:
    """Least squares: 1 for real images, 0 for perturbed ones."""
    return 0.5 * ((real.float() - 1).square().mean() + fake.float().square().mean())


def realism(fake: Patches) -> Float[Tensor, ""]:
    """Least squares: the generator wants its images called real (1)."""
    return (fake.float() - 1).square().mean()


def hinge(delta: Images, radius: float) -> Float[Tensor, ""]:
    """Mean Euclidean length of a change beyond `radius`, on the [0, 1] scale."""
    length: Tensor = torch.linalg.vector_norm(delta.float().flatten(1), dim=1)
    return (length - radius).relu().mean()


def total_variation(delta: Images) -> Float[Tensor, ""]:
    """Mean absolute difference between neighbouring pixels of a change."""
    down, across = torch.diff(delta.float(), dim=2), torch.diff(delta.float(), dim=3)
    total: Tensor = down.abs().mean() + across.abs().mean()
    return total
