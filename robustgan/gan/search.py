"""Search in the latent space of a frozen generator: images that the victim gets wrong and oracles get right.

Source:
    Song, Shu, Kushman, Ermon, NeurIPS 2018 (descent in latent space, free radius around the start, auxiliary
    classifier; noise of Langevin dynamics as in its code); the realism term and the stopping rule are ours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from robustgan.draws import normal, seed_of
from robustgan.gan.conditional import Gan, Latents
from robustgan.gan.painting import rounded
from robustgan.gan.recipe import Hunt
from robustgan.journal import Tick, silent
from robustgan.shapes import Bool
from robustgan.tensors import Labels, Logits, Network, Scores

SHAKE = 0.1  # standard deviation of the Langevin noise at the first step; its variance falls as (1 + step)^-FADE
FADE = 0.55


class Parties(NamedTuple):
    """Who takes part in a search; all of them frozen."""

    gan: Gan
    victim: Network
    oracles: Sequence[Network]  # hold the label during the search; they never judge the result


def search(parties: Parties, start: Latents, labels: Labels, rule: Hunt, tick: Tick = silent) -> Latents:
    """Move each latent vector until its 8-bit image is a success, or the steps are used up.

    A success: the victim is wrong, every search oracle gives the label at least `sure`, and (unless `langevin`) the
    discriminator finds the image no less real than the 10th percentile of real images of its label. Nothing that
    happens to one latent vector depends on another.

    Args:
        parties: who takes part.
        start: latent vectors; they stay as they are.
        labels: of the GAN.
        rule: how far, how long and what counts.
        tick: is told of each step.

    Returns:
        Where each latent vector is when its search ends, success or not.
    """
    found = start.clone()
    z = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([z], rule.lr) if rule.langevin else torch.optim.Adam([z], rule.lr)
    shaken = shakers(start) if rule.langevin else []
    going = torch.arange(len(start), device=start.device)
    for step in range(rule.steps + 1):
        loss, success = weigh(parties, z[going], start[going], labels[going], rule)
        found[going] = z[going].detach()
        going = going[~success]
        tick(step, rule.steps, f"latent search, {len(start) - len(going)} of {len(start)} found")
        if not len(going) or step == rule.steps:
            break
        optimiser.zero_grad()
        torch.autograd.backward(loss.sum())  # a sum: one image's step does not depend on how many there are
        optimiser.step()
        if rule.langevin:
            noise = torch.stack([torch.randn(z.shape[1], generator=shaken[i]) for i in going.tolist()])
            z.data[going] += SHAKE / (1 + step) ** (FADE / 2) * noise.to(z.device)
    return found


def shakers(start: Latents) -> list[torch.Generator]:
    """One source of noise a latent vector, that depends on nothing but the vector."""
    rows = start.detach().cpu().numpy()
    return [torch.Generator().manual_seed(seed_of("langevin", row.tobytes().hex())) for row in rows]


def weigh(
    parties: Parties, z: Latents, start: Latents, labels: Labels, rule: Hunt
) -> tuple[Scores, Bool[Tensor, " n"]]:
    """The loss of each latent vector, and whether its image is a success already."""
    gan, truth = parties.gan, parties.gan.cells[labels, 0]
    x = rounded(gan.generator(z, labels))
    missing = gan.realism[labels] - gan.discriminator(x, labels)
    edge = margin(parties.victim(x), truth)
    far = ((z - start).square() - rule.free**2).relu().mean(1)
    loss = functional.softplus(edge + rule.kappa) + rule.near * far + rule.realism * missing.relu()
    success = edge < 0
    if not rule.langevin:
        success &= missing <= 0
    for oracle in parties.oracles:
        doubt = functional.cross_entropy(oracle(x).float(), truth, reduction="none")
        loss = loss + rule.faithful / len(parties.oracles) * doubt
        success &= doubt <= -math.log(rule.sure)
    return loss, success


def margin(logits: Logits, truth: Labels) -> Scores:
    """Logit of the true class minus the other: below 0, the classifier is wrong."""
    right = logits.gather(1, truth[:, None]).squeeze(1)
    return right - logits.gather(1, 1 - truth[:, None]).squeeze(1)


def wander(start: Latents, lengths: Scores, seeds: list[int]) -> Latents:
    """Go as far from each start as a search did (root mean square), in a direction that nothing chose."""
    steps = normal(seeds, start.shape[1:], start.device)
    return start + steps * (lengths / distance(steps, torch.zeros_like(steps)))[:, None]


def distance(z: Latents, start: Latents) -> Scores:
    """Root mean square step in latent space."""
    return (z - start).square().mean(1).sqrt()
