"""One turn of the game: the discriminator's steps, then the generator's.

All random numbers of a step come from (seed, step), so a game that resumes goes on as if nothing had happened.

Source:
    Goodfellow et al., NeurIPS 2014, algorithm 1 (k steps of the discriminator); Sonderby et al., ICLR 2017, section
    3.3, and Arjovsky, Bottou, ICLR 2017, section 3 (instance noise); Karras et al., CVPR 2020, section 3.1 (lazy R1);
    Gulrajani et al., NeurIPS 2017 (gradient penalty).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from robustgan.augment import dihedral
from robustgan.draws import seed_of
from robustgan.gan import objectives
from robustgan.gan.bench import Pool, dequantised
from robustgan.gan.conditional import Latents
from robustgan.gan.diffaugment import diffaugment
from robustgan.gan.ema import average, decay
from robustgan.gan.objectives import Wrong
from robustgan.gan.players import Game
from robustgan.gan.recipe import Play
from robustgan.team import Team
from robustgan.tensors import Images, Labels, Scores

NOISY = 0.3  # share of the steps after which there is no instance noise


class Hand(NamedTuple):
    """Random numbers and images of one step of the discriminator."""

    real: Images
    labels: Labels
    z: Latents
    first: int  # seeds of what the discriminator's and the generator's step do to the images
    second: int
    wrong: Wrong | None  # images whose side the discriminator is told wrongly
    mix: Scores  # place between a real and a generated image


class Lesson(NamedTuple):
    """What came of one step of the discriminator."""

    loss: Tensor  # without penalties
    on_real: Scores
    on_fake: Scores
    length: Tensor  # of its gradient


def turn(game: Game, pool: Pool) -> Tensor:
    """`d_steps` steps of the discriminator, one of the generator.

    Returns:
        The losses of discriminator and generator, D(real) - D(generated), the mean sign of D(real), and the length
        of the longer of both gradients.
    """
    discriminator, rule = game.gan.discriminator, game.rule
    game.player.train(), discriminator.train()
    game.set_rates()
    for again in range(1, rule.d_steps):
        hand = own(deal(game, pool, again), game.team)
        with torch.no_grad(), mixed(rule, hand.z):
            fake = game.player(hand.z, hand.labels)
        teach(game, hand, fake)
    hand = own(deal(game, pool), game.team)
    with mixed(rule, hand.z):
        fake = game.player(hand.z, hand.labels)
    lesson = teach(game, hand, fake.detach())

    discriminator.requires_grad_(False)
    with mixed(rule, fake):
        g_loss = objectives.deceive(rule.loss, discriminator(shown(game, fake, hand.second, "generator"), hand.labels))
    length = descend(game.optimisers["g"], g_loss, game.team)
    discriminator.requires_grad_(True)

    keep = decay(rule.batch, game.step * rule.batch, rule.half_life)
    average(game.gan.generator, game.player, keep)
    gap = lesson.on_real.mean() - lesson.on_fake.mean()
    called = (lesson.on_real - objectives.MIDDLE.get(rule.loss, 0.0)).sign().mean()
    return torch.stack([lesson.loss, g_loss, gap, called, torch.maximum(length, lesson.length)]).detach()


def deal(game: Game, pool: Pool, *again: int) -> Hand:
    """Draw what a step needs; `again` tells further steps of the same turn apart."""
    rule, device = game.rule, pool.images.device
    rng = torch.Generator().manual_seed(seed_of("dcgan", game.seed, game.step, *again))
    labels = torch.randint(0, len(pool.counts), (rule.batch,), generator=rng)
    noise = seed_of("noise", game.seed, game.step, *again)
    real = dihedral(dequantised(pool.draw(labels, rng), noise), rng)
    z = torch.randn(rule.batch, game.player.latent, generator=rng).to(device)
    first, second = torch.randint(0, 2**62, (2,), generator=rng).tolist()
    wrong = (torch.rand(2, rule.batch, generator=rng) < rule.flip).to(device) if rule.flip else None
    mix = torch.rand(rule.batch, generator=rng).to(device)
    return Hand(real, labels.to(device), z, first, second, wrong, mix)


def own(hand: Hand, team: Team) -> Hand:
    """What of a hand this process plays, where several train together; no two see the same changes of images."""
    if team.size == 1:
        return hand
    parts = {name: team.share(getattr(hand, name)) for name in ("real", "labels", "z", "mix")}
    wrong = None if hand.wrong is None else team.share(hand.wrong.T).T
    return hand._replace(**parts, wrong=wrong, first=hand.first + team.rank, second=hand.second + team.rank)


def teach(game: Game, hand: Hand, fake: Images) -> Lesson:
    """One step of the discriminator."""
    discriminator, rule = game.gan.discriminator, game.rule
    real = shown(game, hand.real, hand.first, "real")
    fake = shown(game, fake, hand.first, "fake")
    with mixed(rule, fake):
        on_real, on_fake = discriminator(real, hand.labels), discriminator(fake, hand.labels)
    loss = objectives.distinguish(rule.loss, on_real, on_fake, rule.real_target, hand.wrong)
    whole = loss
    if rule.loss == "wgan-gp":
        penalty = objectives.one_lipschitz(discriminator, real, fake, hand.labels, hand.mix)
        whole = whole + objectives.PENALTY * penalty
    if game.r1 and game.step % rule.r1_every == 0:
        whole = whole + game.r1 * rule.r1_every * objectives.r1(discriminator, real, hand.labels)
    return Lesson(loss, on_real, on_fake, descend(game.optimisers["d"], whole, game.team))


def shown(game: Game, x: Images, seed: int, whose: str) -> Images:
    """Images as the discriminator sees them: augmented, and early on under noise."""
    x = diffaugment(x, seed, game.chance)
    sigma = noise_of(game.rule, game.step)
    if sigma == 0:
        return x
    rng = torch.Generator(x.device).manual_seed(seed_of("instance", seed, whose))
    return x + sigma * torch.randn(x.shape, generator=rng, device=x.device)


def noise_of(rule: Play, step: int) -> float:
    """Standard deviation of the instance noise at a step, on the [0, 1] scale."""
    return rule.instance_noise * max(0.0, 1 - step / (NOISY * rule.steps))


def descend(optimiser: torch.optim.Optimizer, loss: Tensor, team: Team) -> Tensor:
    """One step of an optimiser; returns the length of the gradient."""
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    moved = [p for group in optimiser.param_groups for p in group["params"] if p.grad is not None]
    team.average(moved)
    slopes = [p.grad for p in moved]
    optimiser.step()
    return get_total_norm(slopes)


def mixed(rule: Play, like: Tensor) -> torch.autocast:
    """Half precision, where the settings and the device of `like` say so."""
    half = rule.precision == "bf16" or (rule.precision == "auto" and like.device.type == "cuda")
    return torch.autocast(like.device.type, torch.bfloat16, enabled=half)
