"""What came of a training: is the kept generator to be trusted, what counts as real, what it paints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from robustgan.gan import fidelity, monitor, rescue, symptoms
from robustgan.gan.bench import Bench, Pool
from robustgan.gan.cells import cell_name
from robustgan.gan.extractors import Extractor
from robustgan.gan.fidelity import Report
from robustgan.gan.game import KID
from robustgan.gan.monitor import Finding
from robustgan.gan.painting import opinion, paint, starts
from robustgan.gan.players import Game
from robustgan.gan.sheet import Row
from robustgan.gan.silence import not_checked
from robustgan.gan.symptoms import FEW
from robustgan.interfaces import Samples

SHOWN = 10  # images a row of the contact sheet
REAL = 0.1  # share of real images that may look less real than a fooling image


def conclude(
    game: Game, pool: Pool, bench: Bench, val: Samples, others: Sequence[Extractor]
) -> tuple[dict[str, Any], list[Row]]:
    """Set `status` and `realism` of the kept GAN; return the text of `status.json` and the contact sheet."""
    gan = game.gan
    set_realism(game, pool, val)
    report = fidelity.assess(gan, pool, bench, game.watch, others)
    finding = examine(game, report) or Finding("ok", "no rule of gan/monitor.py applies")
    gan.status.fill_(monitor.RULES.index(finding.rule))
    status = {
        "status": finding.rule,
        "reason": finding.reason,
        "step": game.best_step,
        KID: game.best_kid,
        f"{KID}_untrained": game.untrained,
        f"{KID}_floor": bench.yardstick.distance(bench.trained_on),
        "looks": {"all": game.looks, "sound": game.sound},
        "reloads": game.reloads,
        "attempt": game.attempt,
        "actions": game.taken,
        "warnings": game.noted,
        "not_checked": not_checked(game, report.symptoms),
        "fidelity": report.text(),
    }
    return status, contact_rows(game)


def examine(game: Game, report: Report) -> Finding | None:
    """Apply the rules to the generator that was kept (the training may have gone wrong after it)."""
    found = report.symptoms
    return rescue.verdict(game) or symptoms.painted(found, game.watch) or symptoms.covering(found, game.watch)


def set_realism(game: Game, pool: Pool, val: Samples) -> None:
    """Remember how real real images look: validation images, or training images where those are few."""
    gan = game.gan
    held_out = gan.labels_of(val.rows)
    for i in range(len(gan.labels())):
        images = val.images[held_out == i]
        images = images if len(images) >= FEW else pool.of(i)
        labels = torch.full((len(images),), i, device=images.device)
        gan.realism[i] = opinion(gan, images, labels).quantile(REAL)


def contact_rows(game: Game) -> list[Row]:
    """One row of generated images a label, from fixed latent vectors."""
    labels, z = starts(game.gan, SHOWN, 0)
    images = torch.split(paint(game.gan, z, labels), SHOWN)
    return [Row(cell_name(cell), row) for cell, row in zip(game.gan.labels(), images, strict=True)]
