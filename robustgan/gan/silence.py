"""Rules that could not speak in a training, and why: a rule that says nothing is no evidence that all is well."""

from __future__ import annotations

from collections.abc import Iterator

from robustgan.gan.cells import cell_name
from robustgan.gan.monitor import FEWEST, SLACK
from robustgan.gan.players import Game
from robustgan.gan.symptoms import FEW, Symptoms

LOOKS = 3  # that REGRESSED and lost recall need: one to be the best, and two that are worse


def not_checked(game: Game, found: Symptoms) -> list[dict[str, str]]:
    """Rules (`monitor.RULES`) with the reason for which each, or a part of it, had nothing to look at."""
    return [{"rule": rule, "reason": reason} for rule, reason in (*on_steps(game), *on_images(game, found))]


def on_steps(game: Game) -> Iterator[tuple[str, str]]:
    """Rules on numbers of the training."""
    rule, watch = game.rule, game.watch
    few = f"the training has {rule.steps} steps, the rule needs"
    if rule.steps < game.window:
        for name in ("D_SATURATED", "D_DEAD", "OVERFIT"):
            yield name, f"{few} {game.window}"
    if rule.steps < watch.shortest:
        yield "STUCK", f"{few} {watch.shortest}"
    if rule.steps <= watch.steep_share * game.window:
        yield "GRAD", f"{few} more than {watch.steep_share * game.window:g}"
    if rule.loss == "wgan-gp":
        yield "D_SATURATED", "the loss wgan-gp has no least value"
        yield "OVERFIT", "mean sign: scores of the loss wgan-gp have no zero"
    if (looks := -(-rule.steps // rule.every)) < LOOKS:
        for name in ("REGRESSED", "COLLAPSED"):
            yield name, f"lost distance or recall: the training has {looks} looks, the rule needs {LOOKS}"


def on_images(game: Game, found: Symptoms) -> Iterator[tuple[str, str]]:
    """Rules on generated images; labels that lack real ones are named."""
    names, watch = [cell_name(cell) for cell in game.gan.labels()], game.watch
    held_out = found.coverage.images
    parts = [
        ("COLLAPSED", "variety", FEW, "training", [n for n in names if n not in found.varieties[1]]),
        ("COLLAPSED", "lost recall", FEWEST, "held-out", [n for n in names if held_out.get(n, 0) < FEWEST]),
        (
            "COLLAPSED", "recall beside that of training images", watch.covered_images, "held-out",
            [n for n in names if held_out.get(n, 0) < watch.covered_images],
        ),
        ("LABEL_LEAK", "label probe", FEW, "held-out", [n for n in names if held_out.get(n, 0) < FEW]),
    ]  # fmt: skip
    for rule, part, least, kind, short in parts:
        if short:
            yield rule, f"{part}: fewer than {least} {kind} images of {', '.join(short)}"
    if found.copies is None:
        yield "MEMORISED", f"no label has {FEW} training and {FEW} held-out images"
    if found.grid is None:
        yield "LABEL_LEAK", "difference between labels: there is one label, or too few training images"
    enough = [n for n in names if held_out.get(n, 0) >= FEW]
    if alone := [n for n in enough if n not in found.probe.generated]:
        yield "LABEL_LEAK", f"label probe: one class alone at the magnification of {', '.join(alone)}"
    if dim := [n for n in enough if found.probe.held_out.get(n, 1.0) - SLACK < watch.leak]:
        known = watch.leak + SLACK
        yield "LABEL_LEAK", f"label probe: right in less than {known:.0%} of held-out images of {', '.join(dim)}"
