"""One pass over the training images through AdvGAN's networks: robustgan's loop, a plain one, and the parts alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from robustgan.attacks._advgan import Duel
from robustgan.attacks.advgan import AdvGAN
from robustgan.freezing import frozen
from robustgan.gan.image_to_image import PatchDiscriminator
from robustgan.interfaces import Linf, Samples
from robustgan.prepare import prepared
from robustgan.quantise import to_float

THREAT = Linf(eps=8 / 255)


class Bench(NamedTuple):
    """What all loops work on."""

    victim: nn.Module
    train: Samples
    batch: int

    @property
    def device(self) -> torch.device:
        """Where everything lies."""
        return self.train.images.device

    def recipe(self, width: int = 48) -> AdvGAN:
        """AdvGAN with this many channels."""
        return AdvGAN(threat=THREAT, width=width, epochs=1, batch=self.batch)


def ours(bench: Bench) -> Callable[[], None]:
    """One epoch of robustgan's own loop."""
    recipe = bench.recipe()
    duel = Duel(recipe, recipe.build().to(bench.device), bench.train)
    duel.total = 10**6
    duel.epoch = 2  # from here on the discriminator has a say: the dearest steps
    victim = prepared(bench.victim, to_float(bench.train.images[:1]))

    def epoch() -> None:
        with frozen(bench.victim):
            duel.play_epoch(victim, bench.train, torch.Generator().manual_seed(0), lambda done, total: None)

    return epoch


def plainly(bench: Bench) -> Callable[[], None]:
    """The same steps as most public code writes them: fp32, data on the host, nothing switched off."""
    recipe = bench.recipe()
    generator = recipe.build().to(bench.device)
    critic = PatchDiscriminator(recipe.patches, bench.train.images.shape[-1]).to(bench.device)
    adams = [torch.optim.Adam(net.parameters(), lr=1e-4, foreach=False) for net in (generator, critic)]
    host = (bench.train.images.float() / 255).cpu(), bench.train.labels.cpu()
    read = []

    def epoch() -> None:
        bench.victim.requires_grad_(True)
        for image, label in zip(host[0].split(bench.batch), host[1].split(bench.batch), strict=True):
            x, y = image.to(bench.device), label.to(bench.device)
            delta = THREAT.eps * torch.tanh(generator(x, y))
            x_adv = (x + delta).clamp(0, 1)
            d_loss = (critic(x) - 1).square().mean() + critic(x_adv.detach()).square().mean()
            adams[1].zero_grad()
            d_loss.backward()
            adams[1].step()
            logits = bench.victim(x_adv)
            margin = logits.gather(1, y[:, None]) - logits.gather(1, 1 - y[:, None])
            g_loss = functional.softplus(margin + 5).mean() + 0.1 * (critic(x_adv) - 1).square().mean()
            g_loss = g_loss + (delta.flatten(1).norm(dim=1) - 1).relu().mean()
            adams[0].zero_grad()
            g_loss.backward()
            adams[0].step()
            read.append((d_loss.item(), g_loss.item()))
        bench.victim.zero_grad(set_to_none=True)

    return epoch


def alone(bench: Bench) -> Callable[[], None]:
    """Generator, discriminator and classifier, each forward and backward as often as training needs it, and no more."""
    recipe = bench.recipe()
    generator = recipe.build().to(bench.device)
    critic = PatchDiscriminator(recipe.patches, bench.train.images.shape[-1]).to(bench.device)
    half = torch.autocast(bench.device.type, torch.bfloat16, enabled=bench.device.type == "cuda")
    victim = prepared(bench.victim, to_float(bench.train.images[:1]))

    def epoch() -> None:
        for start in range(0, len(bench.train), bench.batch):
            x, y = to_float(bench.train.images[start : start + bench.batch]), bench.train.labels[start:][: bench.batch]
            with half:
                generator(x, y).float().square().mean().backward()
                critic.requires_grad_(True)
                (critic(x).float().square().mean() + critic(x).float().square().mean()).backward()
                critic.requires_grad_(False)
                seen = x.clone().requires_grad_(True)
                critic(seen).float().square().mean().backward()
            with frozen(victim):
                victim(x.clone().requires_grad_(True)).float().square().mean().backward()

    return epoch
