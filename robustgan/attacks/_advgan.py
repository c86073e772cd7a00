"""How AdvGAN's generator is trained and used."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from robustgan.attacks import _checks
from robustgan.attacks._change import bounded, longest, made, yielding
from robustgan.attacks._distilled import Static
from robustgan.attacks._dynamic import Dynamic
from robustgan.attacks._estimated import Estimated
from robustgan.attacks._goal import concerned
from robustgan.attacks._ledger import Ledger
from robustgan.attacks._objective import layer_of, objective_of
from robustgan.attacks._queries import Asked, SpentError
from robustgan.attacks._rival import Rival
from robustgan.attacks._schedule import SCHEDULES
from robustgan.attacks._sides import check_classes, identity_of
from robustgan.attacks._trace import means_of
from robustgan.attacks._transferred import Transferred
from robustgan.attacks._validation import success
from robustgan.attacks.advgan import AdvGAN
from robustgan.augment import dihedral
from robustgan.errors import InputError
from robustgan.freezing import frozen, weights_digest
from robustgan.gan import ema, losses
from robustgan.gan.image_to_image import PatchDiscriminator
from robustgan.gan.optimiser import adam
from robustgan.gan.universal import Universal
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal
from robustgan.prepare import prepared
from robustgan.quantise import to_float
from robustgan.team import ALONE, Team
from robustgan.tensors import Images, Labels, Network, Rng, Tensor

CLIP = 10.0  # longest gradient
BETAS = {"estimated": (0.9, 0.999)}  # of the generator's Adam: noisy gradients are averaged for longer
BETAS_ELSE = (0.5, 0.999)

NUMBERS = ("epoch", "step", "seen", "best_rate")  # of a `Duel`, for its checkpoint
PARTS = ("generator", "kept", "discriminator", "adam", "adam_patches")

Count = Callable[[int, int], None]  # told of steps done and steps in all
Everything = Callable[[], dict[str, Any]]  # what a checkpoint holds


def fit(recipe: AdvGAN, model: Network, train: Samples, val: Samples, state: State, journal: Journal) -> None:
    """Train `state.network`; it ends as the moving average of the best epoch. See `AdvGAN.fit`."""
    side = tuple(train.images.shape[-2:])
    refuse(recipe, side)
    recipe.share(journal.team)
    mine = concerned(train, recipe.goal, "training"), concerned(val, recipe.goal, "validation")
    for name, some in (("training", train), ("validation", val)):
        check_classes(recipe.label, some, name)
    if isinstance(state.network, Universal):
        state.network.fix(*side)
    with frozen(model):
        settings = {name: value for name, value in recipe.settings().items() if name != "name"}
        journal.identify(identity_of(settings, (train, val), weights_digest(model)))
        duel, saved = Duel(recipe, state.network, mine[0], journal.team), journal.team.agree(journal.load())
        rival = rival_of(recipe, model, train, mine[1])
        if isinstance(rival.victim, Asked):
            rival.victim.ledger = Ledger(journal.answers)
        if recipe.objective == "features":
            layer_of(rival.network, recipe.layer)  # before anything is asked or trained
        opened = bool(saved and saved["opened"])

        def everything() -> dict[str, Any]:
            return {**duel.state(), **rival.state(), "rng": state.rng.get_state(), "opened": opened}

        if saved:
            duel.restore(saved, state.rng)
            rival.resume(saved)
        if not opened:
            journal.save(**everything())  # the harness keeps the ledger of a run that has a checkpoint
            rival.open()
            opened = True
            journal.save(**everything())
        rival.begin(state.rng, journal.tick, lambda: journal.save(**everything()))
        compete(duel, rival, mine[0], state.rng, journal, everything)
        state.network.load_state_dict(duel.best)
        _checks.write(journal.folder, recipe, rival, state.network, *mine)


def refuse(recipe: AdvGAN, side: tuple[int, ...]) -> None:
    """Refuse images whose sides the generator cannot halve as often as it has to.

    Raises:
        InputError: says which setting asks for what.
    """
    factor = {"tiles": recipe.tile, "resnet": 4, "unet": 8}[recipe.network]
    if any(length % factor for length in side):
        found = f"tile: found {recipe.tile}" if recipe.network == "tiles" else f"network: found `{recipe.network}`"
        raise InputError(f"{recipe.label}: {found}, which needs sides that {factor} divides; images are {side}.")


def rival_of(recipe: AdvGAN, model: Network, train: Samples, val: Samples) -> Rival:
    """Whom the generator trains against; a white-box lends its gradients sooner once it is prepared."""
    if recipe.knowledge == "white-box":
        whole = recipe.objective == "features"  # its layers are asked for by name
        return Rival(model if whole else prepared(model, to_float(train.images[:1])), val, recipe.threat)
    if recipe.knowledge == "transfer":
        return Transferred(recipe, train, val)
    if recipe.knowledge == "estimated":
        return Estimated(recipe, model, concerned(train, recipe.goal, "training"), val)
    return (Dynamic if recipe.knowledge == "dynamic" else Static)(recipe, model, train, val)


def compete(duel: Duel, rival: Rival, train: Samples, rng: Rng, journal: Journal, everything: Everything) -> None:
    """Play the epochs that are left, and write down each.

    Where kills have cost so many answers that the budget does not pay for an epoch, the best one before it is kept.

    Raises:
        RunError: a loss is not finite, or the budget does not pay for one epoch.
    """
    text = "first epoch"

    def count(done: int, total: int) -> None:
        journal.step(done, total, text, everything)

    while duel.epoch < duel.recipe.epochs:
        try:
            text = play_epoch(duel, rival, train, rng, journal, count)
        except SpentError:
            if duel.best_rate < 0:
                raise
            return
        journal.save(**everything())


def play_epoch(duel: Duel, rival: Rival, train: Samples, rng: Rng, journal: Journal, count: Count) -> str:
    """Play an epoch, judge it and write it down; what people read about it."""
    threat, epochs = duel.recipe.threat, duel.recipe.epochs
    means = duel.play_epoch(rival.network, train, rng, count)
    means |= rival.learn(duel.generator, train, epochs - duel.epoch + 1, rng)
    mine = success(rival.victim, lambda x, y, ids: made(duel.kept, x, y, threat), rival.known, threat)
    duel.keep(mine.rate)
    journal.record(epoch=duel.epoch, **means, val_success=mine.rate, **rival.facts(), l2=mine.l2)
    return f"epoch {duel.epoch}: fools {mine.rate:.0%} of validation images, {rival.told()}"


class Duel:
    """Generator against discriminator and classifier: everything that changes while they train."""

    def __init__(self, recipe: AdvGAN, generator: Network, train: Samples, team: Team = ALONE) -> None:
        device = train.images.device
        self.recipe, self.generator, self.team = recipe, generator, team
        self.kept = copy.deepcopy(generator).requires_grad_(False)
        self.discriminator = PatchDiscriminator(recipe.patches, train.images.shape[-1]).to(device)
        self.adam = adam(generator, BETAS.get(recipe.knowledge, BETAS_ELSE))
        self.adam_patches = adam(self.discriminator, BETAS_ELSE)
        self.objective = objective_of(recipe, losses.balance(train.labels))
        self.schedule = SCHEDULES[recipe.preset]
        self.bound = yielding if recipe.knowledge == "estimated" else bounded
        self.longest = longest(recipe.threat, train.images[0].numel())
        self.half = device.type == "cuda" if recipe.precision == "auto" else recipe.precision == "bf16"
        self.total = recipe.epochs * math.ceil(len(train) / recipe.batch)
        self.epoch = self.step = self.seen = 0
        self.left: Tensor | None = None  # row numbers that are still to come in an epoch that was begun
        self.trace: list[dict[str, Tensor]] = []  # the losses of its steps so far; they stay on the device
        self.best_rate, self.best = -1.0, copy.deepcopy(generator.state_dict())

    def play_epoch(self, model: Network, train: Samples, rng: Rng, count: Count) -> dict[str, float]:
        """Go once through the training images, or on from a step; return the mean of each loss over them.

        Raises:
            RunError: a loss is not finite; the message names the step.
        """
        batch = self.recipe.batch
        self.left = torch.randperm(len(train), generator=rng) if self.left is None else self.left
        while len(self.left):
            rows, self.left = self.left[:batch], self.left[batch:]
            index = rows.to(train.images.device)
            x = dihedral(to_float(train.images[index]), rng)
            self._set_rates(self.step / self.total)
            values = self.play(model, self.team.share(x), self.team.share(train.labels[index]))
            shared = self.team.mean(torch.stack([value.detach() for value in values.values()]))
            self.trace.append(dict(zip(values, shared.unbind(), strict=True)))
            ema.average(self.kept, self.generator, ema.decay(len(rows), self.seen, self.schedule.half_life))
            self.step, self.seen = self.step + 1, self.seen + len(rows)
            count(self.step, self.total)
        sizes = [len(part) for part in torch.split(torch.arange(len(train)), batch)]
        means = means_of(self.trace, sizes, self.step - len(sizes))
        self.epoch, self.left, self.trace = self.epoch + 1, None, []
        return means

    def play(self, model: Network, x: Images, y: Labels) -> dict[str, Tensor]:
        """One step of the discriminator, then one of the generator, on the same images."""
        with self._autocast(x):
            raw = self.generator(x, y)
        delta = self.bound(raw.float(), self.recipe.threat)
        parts = self.teach(x, (x + delta.detach()).clamp(0, 1)) if self.recipe.realism else {}
        parts |= self.judge(model, x, delta, y)
        recipe = self.recipe
        loss = parts["g_adv"] + recipe.length * parts["g_hinge"]
        if recipe.realism and self.epoch >= self.schedule.alone:
            loss = loss + recipe.realism * parts["g_gan"]
        if recipe.smoothness:
            loss = loss + recipe.smoothness * losses.total_variation(delta) / recipe.threat.eps
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.team.average(self.generator.parameters())
        nn.utils.clip_grad_norm_(self.generator.parameters(), CLIP)
        self.adam.step()
        return parts

    def judge(self, model: Network, x: Images, delta: Images, y: Labels) -> dict[str, Tensor]:
        """What the generator is trained on; the discriminator lends its verdict and does not change."""
        x_adv = (x + delta).clamp(0, 1)
        kappa = self.schedule.kappa(self.recipe.kappa, self.step / self.total)
        parts = {
            "g_adv": self.objective(model, x, x_adv, y, kappa),
            "g_hinge": losses.hinge(delta, self.recipe.reach * self.longest) / self.longest,
        }
        if self.recipe.realism:
            self.discriminator.eval().requires_grad_(False)
            with self._autocast(x_adv):
                parts["g_gan"] = losses.realism(self.discriminator(x_adv))
        return parts

    def teach(self, x: Images, x_adv: Images) -> dict[str, Tensor]:
        """One step of the discriminator."""
        self.discriminator.train().requires_grad_(True)
        with self._autocast(x):
            loss = losses.discriminator(self.discriminator(x), self.discriminator(x_adv))
        self.adam_patches.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.team.average(self.discriminator.parameters())
        self.adam_patches.step()
        return {"d_loss": loss}

    def keep(self, rate: float) -> None:
        """Remember the moving average when it is the best so far; of equals, the last one."""
        if rate >= self.best_rate:
            self.best_rate, self.best = rate, copy.deepcopy(self.kept.state_dict())

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        numbers = {name: getattr(self, name) for name in NUMBERS}
        within = {} if self.left is None else {"left": self.left.clone(), "trace": self.trace}
        return {**numbers, **{name: getattr(self, name).state_dict() for name in PARTS}, "best": self.best, **within}

    def restore(self, saved: dict[str, Any], rng: Rng) -> None:
        """Go on from a checkpoint."""
        for name in NUMBERS:
            setattr(self, name, saved[name])
        for name in PARTS:
            getattr(self, name).load_state_dict(saved[name])
        self.best, self.left = saved["best"], saved.get("left")
        device = next(self.generator.parameters()).device
        self.trace = [{name: v.to(device) for name, v in values.items()} for values in saved.get("trace", [])]
        rng.set_state(saved["rng"])

    def _set_rates(self, done: float) -> None:
        share = self.schedule.rate(done)
        for optimiser, peak in ((self.adam, self.recipe.lr), (self.adam_patches, self.recipe.lr_patches)):
            for group in optimiser.param_groups:
                group["lr"] = peak * share

    def _autocast(self, x: Images) -> torch.autocast:
        return torch.autocast(x.device.type, torch.bfloat16, enabled=self.half)
