"""One pass over the training images through a conditional DCGAN: robustgan's loop, a plain one, and the parts alone."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.advgan_loops import Bench
from robustgan.gan.bench import pool_of
from robustgan.gan.conditional import Gan
from robustgan.gan.diffaugment import diffaugment
from robustgan.gan.objectives import deceive, distinguish
from robustgan.gan.players import BETAS, Game
from robustgan.gan.recipe import Play, Watch
from robustgan.gan.turn import turn
from robustgan.interfaces import Samples
from robustgan.quantise import to_float

LATENT, EMBEDDING, WIDTH = 128, 64, 64  # the attack's defaults


def gan_of(train: Samples) -> Gan:
    """Untrained networks of the attack's default size, for images of this side."""
    gan = Gan(train.images.shape[-1], (WIDTH, WIDTH), LATENT, EMBEDDING).to(train.images.device)
    gan.name_cells(train.rows)
    return gan


def ours(bench: Bench) -> Callable[[], None]:
    """As many steps of robustgan's own loop as show every image once."""
    gan = gan_of(bench.train)
    game = Game(gan, Play(batch=bench.batch, steps=10**6), Watch(), seed=0)
    pool = pool_of(gan, bench.train)

    def epoch() -> None:
        for _ in range(len(bench.train) // bench.batch):
            game.trace.append(turn(game, pool))
            game.step += 1
        torch.stack(game.trace).tolist()  # the one time that the host waits, as at a look
        game.trace = []

    return epoch


def plainly(bench: Bench) -> Callable[[], None]:
    """The same steps as most public code writes them: fp32, images on the host, every loss read at every step."""
    gan = gan_of(bench.train)
    kept, player, critic = gan.generator, copy.deepcopy(gan.generator), gan.discriminator
    adams = [torch.optim.Adam(net.parameters(), 2e-4, BETAS, foreach=False) for net in (player, critic)]
    host, labels = (bench.train.images.float() / 255).cpu(), gan.labels_of(bench.train.rows).cpu()
    read: list[tuple[float, float]] = []

    def epoch() -> None:
        for step, rows in enumerate(torch.randperm(len(host)).split(bench.batch)):
            real, y = host[rows].to(bench.device), labels[rows].to(bench.device)
            fake = player(torch.randn(len(y), LATENT, device=bench.device), y)
            seen = [diffaugment(x, step, 0.5) for x in (real, fake.detach())]
            d_loss = distinguish("hinge", critic(seen[0], y), critic(seen[1], y), 1.0, None)
            adams[1].zero_grad()
            d_loss.backward()  # type: ignore[no-untyped-call]
            adams[1].step()
            g_loss = deceive("hinge", critic(diffaugment(fake, step, 0.5), y))
            adams[0].zero_grad()
            g_loss.backward()  # type: ignore[no-untyped-call]
            adams[0].step()
            with torch.no_grad():
                for old, new in zip(kept.parameters(), player.parameters(), strict=True):
                    old.mul_(0.999).add_(new, alpha=0.001)
            read.append((d_loss.item(), g_loss.item()))

    return epoch


def alone(bench: Bench) -> Callable[[], None]:
    """Generator and discriminator, each forward and backward as often as training needs it, and no more."""
    gan = gan_of(bench.train)
    critic: nn.Module = gan.discriminator
    half = torch.autocast(bench.device.type, torch.bfloat16, enabled=bench.device.type == "cuda")
    labels = gan.labels_of(bench.train.rows)

    def epoch() -> None:
        for start in range(0, len(bench.train), bench.batch):
            x, y = to_float(bench.train.images[start : start + bench.batch]), labels[start:][: bench.batch]
            with half:
                gan.generator(torch.zeros(len(y), LATENT, device=x.device), y).square().mean().backward()
                critic.requires_grad_(True)
                (critic(x, y).square().mean() + critic(x, y).square().mean()).backward()
                critic.requires_grad_(False)
                critic(x.clone().requires_grad_(True), y).square().mean().backward()

    return epoch
