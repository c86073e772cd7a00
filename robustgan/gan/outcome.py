"""What came of a training: is the kept generator to be trusted, what counts as real, what it paints."""

from __future__ import annotations

from typing import Any

import torch

from robustgan.gan import monitor
from robustgan.gan.conditional import cell_name
from robustgan.gan.game import KID, Game, pool_of, probe_of
from robustgan.gan.monitor import Finding
from robustgan.gan.painting import opinion, paint, starts
from robustgan.gan.quality import features, variety
from robustgan.gan.sheet import Row
from robustgan.interfaces import Samples

VARIED = 64  # images a label whose variety is measured
FEW = 8  # real images of a label below which their variety says nothing
SHOWN = 10  # images a row of the contact sheet
REAL = 0.1  # share of real images that may look less real than a fooling image


def conclude(game: Game, train: Samples, val: Samples) -> tuple[dict[str, Any], list[Row]]:
    """Set `status` and `realism` of the kept GAN; return the text of `status.json` and the contact sheet."""
    gan = game.gan
    set_realism(game, train, val)
    finding = examine(game, train, val) or Finding("ok", "no rule of gan/monitor.py applies")
    gan.status.fill_(monitor.RULES.index(finding.rule))
    status = {
        "status": finding.rule,
        "reason": finding.reason,
        "step": game.best_step,
        KID: game.best_kid,
        f"{KID}_untrained": game.untrained,
        f"{KID}_floor": floor_of(game, train, val),
        "reloads": game.reloads,
    }
    return status, contact_rows(game)


def examine(game: Game, train: Samples, val: Samples) -> Finding | None:
    """Apply the rules to the generator that was kept (the training may have gone wrong after it)."""
    window = monitor.window_of(game.rule.steps)
    ended = monitor.on_losses(game.losses, game.gaps, window)
    if ended and game.best_step < window:
        return ended
    before = game.losses[: game.best_step], game.gaps[: game.best_step]
    return (
        monitor.on_losses(*before, window)
        or monitor.on_distance(game.best_kid, game.untrained)
        or monitor.on_variety(*varieties(game, train, val))
    )


def varieties(game: Game, train: Samples, val: Samples) -> tuple[dict[str, float], dict[str, float]]:
    """How much generated and real training images of each label vary, in the features of the distance."""
    gan, yardstick = game.gan, probe_of(game.gan, val)[1]
    labels, z = starts(gan, VARIED, 0)
    images, pool = paint(gan, z, labels), pool_of(gan, train)
    made, real = {}, {}
    for i, cell in enumerate(gan.pairs()):
        name, known = cell_name(cell), pool.of(i)
        if len(known) >= FEW:
            made[name] = variety(yardstick.scale(features(images[labels == i])))
            real[name] = variety(yardstick.scale(features(known[:VARIED])))
    return made, real


def set_realism(game: Game, train: Samples, val: Samples) -> None:
    """Remember how real real images look: validation images, or training images where those are few."""
    gan = game.gan
    held_out, pool = gan.labels_of(val.rows), pool_of(gan, train)
    for i in range(len(gan.pairs())):
        images = val.images[held_out == i]
        images = images if len(images) >= FEW else pool.of(i)
        labels = torch.full((len(images),), i, device=images.device)
        gan.realism[i] = opinion(gan, images, labels).quantile(REAL)


def floor_of(game: Game, train: Samples, val: Samples) -> float:
    """Distance of training to validation images of the same labels: what a perfect generator would reach."""
    (_, labels), yardstick = probe_of(game.gan, val)
    return yardstick.distance(pool_of(game.gan, train).draw(labels.cpu(), torch.Generator().manual_seed(0)))


def contact_rows(game: Game) -> list[Row]:
    """One row of generated images a label, from fixed latent vectors."""
    labels, z = starts(game.gan, SHOWN, 0)
    images = torch.split(paint(game.gan, z, labels), SHOWN)
    return [Row(cell_name(cell), row) for cell, row in zip(game.gan.pairs(), images, strict=True)]
