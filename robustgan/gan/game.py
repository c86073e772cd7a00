"""The game of generator and discriminator: hinge loss, one step each; at regular looks the best one is kept.

All random numbers of a step come from (seed, step), so a game that resumes at its last look goes on as if
nothing had happened: on the CPU its weights are the same bytes.

Source:
    Heusel et al., NeurIPS 2017 (two learning rates); Lim, Ye, 2017; Miyato et al., ICLR 2018 (hinge loss).
"""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from robustgan.augment import dihedral
from robustgan.draws import seed_of
from robustgan.errors import InputError, RunError
from robustgan.gan import monitor
from robustgan.gan.conditional import Gan, Generator, Latents
from robustgan.gan.diffaugment import diffaugment
from robustgan.gan.ema import average, decay
from robustgan.gan.painting import paint
from robustgan.gan.quality import EXTRACTOR, Yardstick
from robustgan.gan.recipe import Play
from robustgan.interfaces import Samples
from robustgan.journal import Journal
from robustgan.tensors import Bytes, Images, Labels

KID = f"kid_{EXTRACTOR}"  # the distance's name in stats.jsonl and status.json
HELD_OUT = 500  # validation images at most to measure the distance with
RELOADS = 2  # times that a loss that is not finite is answered with half the learning rate


class Pool(NamedTuple):
    """Training images of one size, sorted by label."""

    images: Bytes
    order: Tensor  # indices into `images`: those of label 0, then those of label 1, ...
    counts: Tensor  # images of each label

    def draw(self, labels: Labels, rng: torch.Generator) -> Bytes:
        """One image for each label, each image of a label as likely."""
        unit = torch.rand(len(labels), generator=rng, dtype=torch.float64)
        first = self.counts.cumsum(0) - self.counts
        place = first[labels] + (unit * self.counts[labels]).long()
        return self.images[self.order[place].to(self.images.device)]

    def of(self, label: int) -> Bytes:
        """All images of a label."""
        first = int(self.counts[:label].sum())
        return self.images[self.order[first : first + int(self.counts[label])].to(self.images.device)]


class Game:
    """Both players and all that a checkpoint holds. `player` trains, `gan.generator` is its average."""

    def __init__(self, gan: Gan, rule: Play, seed: int) -> None:
        self.gan, self.rule, self.seed = gan, rule, seed
        self.player: Generator = copy.deepcopy(gan.generator)
        self.optimisers = {
            "g": torch.optim.Adam(self.player.parameters(), rule.lr_g, (0.0, 0.9)),
            "d": torch.optim.Adam(gan.discriminator.parameters(), rule.lr_d, (0.0, 0.9)),
        }
        self.step = self.reloads = 0
        self.losses: list[float] = []  # of the discriminator, a step
        self.gaps: list[float] = []  # mean D(real) - D(generated), a step
        self.untrained = math.inf  # distance before the first step
        self.best: dict[str, Tensor] = {}
        self.best_kid, self.best_step = math.inf, 0

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        kept = ("seed", "step", "reloads", "losses", "gaps", "untrained", "best", "best_kid", "best_step")
        modules = {"gan": self.gan.state_dict(), "player": self.player.state_dict()}
        optimisers = {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()}
        return {**{name: getattr(self, name) for name in kept}, **modules, **optimisers}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        self.gan.load_state_dict(state.pop("gan"))
        self.player.load_state_dict(state.pop("player"))
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state.pop(name))
        for name, value in state.items():
            setattr(self, name, value)


def play(gan: Gan, train: Samples, val: Samples, rule: Play, seed: int, journal: Journal) -> Game:
    """Train; return the game with its best generator and discriminator loaded in `gan`.

    Raises:
        InputError: the images do not fit the networks, or too few validation images have a label of the
        training's. RunError: losses stay not finite after two reloads with half the learning rate.
    """
    check_size(gan, train)
    gan.name_cells(train.rows)
    pool, (probe, yardstick) = pool_of(gan, train), probe_of(gan, val)
    game = Game(gan, rule, seed)
    resume(game, probe, yardstick, journal)
    ended = monitor.on_losses(game.losses, game.gaps, monitor.window_of(rule.steps))
    trace: list[Tensor] = []
    while game.step < rule.steps and not ended:
        trace.append(turn(game, pool))
        game.step += 1
        if game.step % rule.every == 0 or game.step == rule.steps:
            numbers, trace = torch.stack(trace).tolist(), []
            if not all(math.isfinite(value) for row in numbers for value in row):
                reload(game, journal)
                continue
            look(game, numbers, probe, yardstick, journal)
            ended = monitor.on_losses(game.losses, game.gaps, monitor.window_of(rule.steps))
    gan.load_state_dict(game.best)
    return game


def check_size(gan: Gan, train: Samples) -> None:
    """Refuse images that the networks were not built for."""
    height, width = train.images.shape[2:]
    if (height, width) != (gan.size, gan.size):
        raise InputError(
            f"dcgan: size: found {gan.size}, but the images are {width}x{height}. "
            f"Set `size: {height}` in the attack, and the same `size` under `pixels`."
        )


def pool_of(gan: Gan, train: Samples) -> Pool:
    """Sort the training images by label."""
    labels = gan.labels_of(train.rows).cpu()
    return Pool(train.images, labels.argsort(stable=True), labels.bincount())


def probe_of(gan: Gan, val: Samples) -> tuple[tuple[Latents, Labels], Yardstick]:
    """Fixed latent vectors with the labels of held-out images, and those images as a yardstick."""
    labels = gan.labels_of(val.rows)
    rng = torch.Generator().manual_seed(0)
    shuffled = torch.randperm(len(labels), generator=rng).to(labels.device)
    chosen = shuffled[labels[shuffled] >= 0][:HELD_OUT]
    if len(chosen) < 2:
        raise InputError(
            f"dcgan: {len(chosen)} validation images have a class and magnification of the training images; "
            "at least 2 are needed to choose a generator. Raise `validation` under `split`."
        )
    z = torch.randn(len(chosen), gan.generator.latent, generator=rng).to(labels.device)
    return (z, labels[chosen]), Yardstick(val.images[chosen])


def resume(game: Game, probe: tuple[Latents, Labels], yardstick: Yardstick, journal: Journal) -> None:
    """Go on from the checkpoint, or make the first one."""
    state = journal.load()
    if state is not None:
        game.restore(state)
        return
    game.untrained = yardstick.distance(paint(game.gan, *probe))
    journal.save(**game.state())


def reload(game: Game, journal: Journal) -> None:
    """Go back to the last look and halve the learning rates."""
    if game.reloads == RELOADS:
        raise RunError(
            f"dcgan: a loss is not finite up to step {game.step}, also with learning rates halved {RELOADS} "
            "times. Lower lr_g and lr_d, or look at the data."
        )
    state = journal.load()
    if state is None:
        raise RunError(f"dcgan: {journal.checkpoint} is gone, there is nothing to go back to.")
    game.restore(state)
    game.reloads += 1
    for optimiser in game.optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] /= 2
    journal.save(**game.state())


def turn(game: Game, pool: Pool) -> Tensor:
    """One step of each player.

    Returns:
        The losses of discriminator and generator, D(real) - D(generated), and the mean sign of D(real).
    """
    discriminator, device = game.gan.discriminator, pool.images.device
    rng = torch.Generator().manual_seed(seed_of("dcgan", game.seed, game.step))
    labels = torch.randint(0, len(pool.counts), (game.rule.batch,), generator=rng)
    real = dihedral(dequantised(pool.draw(labels, rng), seed_of("noise", game.seed, game.step)), rng)
    z = torch.randn(game.rule.batch, game.player.latent, generator=rng).to(device)
    first, second = torch.randint(0, 2**62, (2,), generator=rng).tolist()
    labels, chance = labels.to(device), game.rule.augment

    game.player.train(), discriminator.train()
    with torch.autocast(device.type, torch.bfloat16, enabled=half(game.rule, device)):
        fake = game.player(z, labels)
        on_real = discriminator(diffaugment(real, first, chance), labels)
        on_fake = discriminator(diffaugment(fake.detach(), first, chance), labels)
    d_loss = (1 - on_real).relu().mean() + (1 + on_fake).relu().mean()
    descend(game.optimisers["d"], d_loss)

    discriminator.requires_grad_(False)
    with torch.autocast(device.type, torch.bfloat16, enabled=half(game.rule, device)):
        g_loss = -discriminator(diffaugment(fake, second, chance), labels).mean()
    descend(game.optimisers["g"], g_loss)
    discriminator.requires_grad_(True)

    keep = decay(game.rule.batch, game.step * game.rule.batch, game.rule.half_life)
    average(game.gan.generator, game.player, keep)
    gap, called = on_real.mean() - on_fake.mean(), on_real.sign().mean()
    return torch.stack([d_loss, g_loss, gap, called]).detach()


def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of an optimiser."""
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    optimiser.step()


def dequantised(images: Bytes, seed: int) -> Images:
    """Spread each grey level over its interval, so that the discriminator cannot see the grid of 8 bits."""
    rng = torch.Generator(images.device).manual_seed(seed)
    noise = torch.rand(images.shape, generator=rng, device=images.device)
    return (images.float() + noise) / 256


def half(rule: Play, device: torch.device) -> bool:
    """Whether to compute in bfloat16."""
    return rule.precision == "bf16" or (rule.precision == "auto" and device.type == "cuda")


def look(
    game: Game,
    numbers: list[list[float]],
    probe: tuple[Latents, Labels],
    yardstick: Yardstick,
    journal: Journal,
) -> None:
    """Measure the averaged generator, write the numbers, keep the best, make a checkpoint."""
    d_loss, g_loss, gap, called = (list(column) for column in zip(*numbers, strict=True))
    game.losses += d_loss
    game.gaps += gap
    kid = yardstick.distance(paint(game.gan, *probe))
    means = [sum(column) / len(column) for column in (d_loss, g_loss, called)]
    journal.record(step=game.step, d_loss=means[0], g_loss=means[1], r_t=means[2], **{KID: kid})
    if kid < game.best_kid:
        game.best_kid, game.best_step = kid, game.step
        game.best = {name: value.clone() for name, value in game.gan.state_dict().items()}
    journal.save(**game.state())
    journal.tick(game.step, game.rule.steps, f"{KID} {kid:.3f}, best {game.best_kid:.3f}")
