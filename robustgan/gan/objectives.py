"""What generator and discriminator of a GAN minimise: five losses, and two penalties on the discriminator's slope.

Scores are raw outputs, high for real. `minimax` and `nonsaturating` read them as logits, `lsgan` as numbers
whose target is 1 for real and 0 for generated images.

Source:
    Lim, Ye, 2017 (hinge); Goodfellow et al., NeurIPS 2014 (minimax, non-saturating; section 3); Mao et al., ICCV 2017
    (lsgan, equation 9); Gulrajani et al., NeurIPS 2017 (wgan-gp, equation 3); Salimans et al., NeurIPS 2016,
    section 3.4 (one-sided smoothing); Mescheder, Geiger, Nowozin, ICML 2018, equation 9 (R1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from robustgan.gan.monitor import Scale
from robustgan.gan.recipe import Loss
from robustgan.shapes import Bool, Float
from robustgan.tensors import Images, Labels, Scores

PENALTY = 10.0  # weight of the gradient penalty of wgan-gp, as published
MIDDLE = {"lsgan": 0.5}  # score between real and generated; 0 for the other losses

Wrong = Bool[Tensor, "2 n"]  # images whose side the discriminator is told wrongly: real ones, generated ones
Scalar = Float[Tensor, ""]


def distinguish(
    loss: Loss, on_real: Scores, on_fake: Scores, target: float = 1.0, wrong: Wrong | None = None
) -> Scalar:
    """What the discriminator minimises.

    Args:
        loss: which of the five.
        on_real: scores of real images.
        on_fake: scores of generated images.
        target: what real images should be called; below 1 it is one-sided label smoothing.
        wrong: images that count as the other side (noisy labels).
    """
    real, fake = as_real(loss, on_real, target), as_fake(loss, on_fake)
    if wrong is not None:
        real = torch.where(wrong[0], as_fake(loss, on_real), real)
        fake = torch.where(wrong[1], as_real(loss, on_fake, target), fake)
    return real.mean() + fake.mean()


def as_real(loss: Loss, scores: Scores, target: float) -> Scores:
    """The discriminator's cost of each image that it is told is real."""
    if loss == "hinge":
        return (1 - scores).relu()
    if loss == "wgan-gp":
        return -scores
    if loss == "lsgan":
        return 0.5 * (scores - target).square()
    return softplus(scores) - target * scores


def as_fake(loss: Loss, scores: Scores) -> Scores:
    """The discriminator's cost of each image that it is told is generated."""
    if loss == "hinge":
        return (1 + scores).relu()
    if loss == "wgan-gp":
        return scores
    if loss == "lsgan":
        return 0.5 * scores.square()
    return softplus(scores)


def deceive(loss: Loss, on_fake: Scores) -> Scalar:
    """What the generator minimises."""
    if loss == "minimax":
        return -softplus(on_fake).mean()
    if loss == "nonsaturating":
        return softplus(-on_fake).mean()
    if loss == "lsgan":
        return 0.5 * (on_fake - 1).square().mean()
    return -on_fake.mean()


def scale(loss: Loss, target: float, flip: float) -> Scale:
    """The least discriminator loss that the labels allow (they may be smoothed or noisy), and its loss at chance."""
    if loss == "hinge":
        return Scale(4 * flip, 2.0)
    if loss == "wgan-gp":
        return Scale(-math.inf, 0.0)
    if loss == "lsgan":
        return Scale(flip * (1 - flip) * target**2, target**2 / 4)
    return Scale(entropy((1 - flip) * target) + entropy(flip * target), 2 * entropy(target / 2))


def entropy(share: float) -> float:
    """Of a coin that shows heads in this share of throws, in nats."""
    return -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)


def slopes(discriminator: nn.Module, x: Images, labels: Labels) -> Scores:
    """Length of the gradient of each image's score by its pixels (on the [0, 1] scale), itself differentiable.

    The discriminator looks in eval mode: with the running spread, a score depends on its image alone, and a
    penalty an image means something.
    """
    x = x.detach().requires_grad_()
    mode = discriminator.training
    discriminator.eval()
    (gradient,) = torch.autograd.grad(discriminator(x, labels).sum(), x, create_graph=True)
    discriminator.train(mode)
    return (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()


def r1(discriminator: nn.Module, real: Images, labels: Labels) -> Scalar:
    """Half the mean squared slope at real images."""
    return 0.5 * slopes(discriminator, real, labels).square().mean()


def one_lipschitz(discriminator: nn.Module, real: Images, fake: Images, labels: Labels, mix: Scores) -> Scalar:
    """Mean squared deviation of the slope from 1, at places between real and generated images of the same label.

    Args:
        discriminator: the critic.
        real: real images.
        fake: generated images.
        labels: of both.
        mix: share of the real image at each place.
    """
    share = mix.view(-1, 1, 1, 1)
    return (slopes(discriminator, share * real + (1 - share) * fake, labels) - 1).square().mean()
