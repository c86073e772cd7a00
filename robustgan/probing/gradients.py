"""Do the gradients tell the truth? They are compared with how the answers really change.

Between two points of a straight line, the answers of a differentiable classifier differ by the mean slope along the
line, exactly. So the slopes at a few points of the line, averaged, are an estimate of a difference that two answers
give. Where gradients are killed, detached, shattered or rounded away, the two part.

Source: Athalye, Carlini, Wagner 2018, "Obfuscated gradients give a false sense of security", section 3
(https://arxiv.org/abs/1802.00420) for what goes wrong; the test is the fundamental theorem of calculus.
"""

from __future__ import annotations

import torch

from robustgan.attacks._margin import margin
from robustgan.attacks._probes import SORTS, pattern
from robustgan.batches import halved
from robustgan.draws import seed_of
from robustgan.interfaces import Bounded, Samples
from robustgan.probing.answering import Facts, neighbours
from robustgan.probing.judging import Victim, margins
from robustgan.quantise import to_float
from robustgan.tensors import Images, Labels, Network, Tensor

LINES = 12  # directions an image
POINTS = 4  # slopes a line
IMAGES = 48  # images with lines, at most
FLAT = 1e-6  # of the margin: what a whole budget of the steepest change moves, below which a gradient counts as tiny
AGREE = 0.5  # cosine between differences and slopes, over the lines of an image, below which they disagree


def slopes(network: Network, x: Images, y: Labels) -> tuple[Tensor, Tensor]:
    """Margins and their gradients, finite or not.

    Raises:
        RuntimeError: the outputs do not depend on the image in a way that torch can follow.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        value = margin(network(x).float(), y)
        (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def gradients(victim: Victim, samples: Samples, threat: Bounded) -> Facts:
    """How many gradients are zero, tiny or not finite, at the images and at neighbours of them."""
    x = torch.cat([to_float(samples.images), neighbours(samples.images, threat, victim.seed)])
    y = samples.labels.repeat(2)
    try:
        value, gradient = sloped(victim, x, y)
    except RuntimeError as error:
        return {"gradients": len(x), "gradient_error": str(error).splitlines()[0]}
    finite = torch.isfinite(gradient.flatten(1)).all(1)
    reached = (gradient * threat.ascend(gradient, threat.eps)).flatten(1).double().abs().sum(1)
    zero = (gradient == 0).flatten(1)
    seen = zero[~zero.all(1)]
    return {
        "gradients": len(x),
        "zero_gradients": int(zero.all(1).sum()),
        "not_finite_gradients": int((~finite).sum()),
        "tiny_gradients": int((finite & ~zero.all(1) & (reached < FLAT * value.double().abs())).sum()),
        "zero_pixels": float(seen.float().mean()) if len(seen) else 1.0,
    }


def sloped(victim: Victim, x: Images, y: Labels) -> tuple[Tensor, Tensor]:
    """`slopes`, a batch at a time."""
    parts = list(halved(len(x), victim.room, lambda part: slopes(victim.network, x[part], y[part]), "gradients"))
    return torch.cat([value for value, _ in parts]), torch.cat([gradient for _, gradient in parts])


def differences(victim: Victim, samples: Samples, threat: Bounded) -> Facts:
    """Compare differences of answers with slopes along lines as long as the budget, in both directions."""
    count = min(IMAGES, len(samples))
    x, y = to_float(samples.images[:count]), samples.labels[:count]
    found = [line(victim, x, y, threat, seed_of("line", victim.seed, number)) for number in range(LINES)]
    real = torch.stack([real for real, _ in found], 1).double()
    told = torch.stack([told for _, told in found], 1).double()
    size = real.norm(dim=1) * told.norm(dim=1)
    cosine = torch.where(size > 0, (real * told).sum(1) / size.clamp_min(1e-300), 0.0)
    moves = real.abs().amax(1) > 0
    return {
        "lines": int(moves.sum()),
        "disagreeing": int((cosine[moves] < AGREE).sum()),
        "agreement": float(cosine[moves].median()) if moves.any() else None,
    }


def line(victim: Victim, x: Images, y: Labels, threat: Bounded, seed: int) -> tuple[Tensor, Tensor]:
    """How much the margin differs between the ends of a line through the budget, and what the slopes say."""
    rng = torch.Generator().manual_seed(seed)
    sort = SORTS[int(torch.randint(0, len(SORTS), (1,), generator=rng))]
    shapes = torch.stack([pattern(sort, x.shape[2], x.shape[3], rng) for _ in range(len(x))]).to(x)
    move = threat.ascend(shapes, threat.eps)
    low, high = threat.project(x, x - move), threat.project(x, x + move)

    def apart(part: slice) -> Tensor:
        return margins(victim.network, high[part], y[part]) - margins(victim.network, low[part], y[part])

    real = torch.cat(list(halved(len(x), victim.room, apart, "answers")))
    told = torch.zeros_like(real)
    for point in range(POINTS):
        at = (point + torch.rand(len(x), generator=rng).to(x).view(-1, 1, 1, 1)) / POINTS
        _, gradient = sloped(victim, torch.lerp(low, high, at), y)
        told += (gradient.nan_to_num(0, 0, 0) * (high - low)).flatten(1).sum(1) / POINTS
    return real, told
