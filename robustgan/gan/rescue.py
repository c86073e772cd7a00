"""What is tried when a rule says that a training goes wrong: `monitor.actions`, in their order, once each an attempt.

`rates` halves both learning rates, `augment` makes DiffAugment half as rare, `r1` adds the R1 penalty, `restart`
begins again with another seed and the settings as they were given: where nothing is learnt any more, or where an
attempt is at its end and has no generator that passes. After the last action a training ends, if the rule is one after
which nothing is learnt; otherwise it goes on and the finding is noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from robustgan.draws import seed_of
from robustgan.gan import monitor, symptoms
from robustgan.gan.conditional import Gan
from robustgan.gan.monitor import Finding, Opinion
from robustgan.gan.players import Game
from robustgan.gan.recipe import Action
from robustgan.gan.symptoms import Symptoms

KEPT = ("best", "best_kid", "best_step", "best_flaw", "losses", "gaps", "seed", "attempt")  # of an earlier attempt


def attend(game: Game, opinion: Opinion) -> None:
    """Apply the rules to a training under way and answer the first that applies."""
    finding = next(findings(game, opinion), None)
    if finding is None:
        return
    action = next(open_to(game, finding.rule), None)
    if action is not None:
        game.taken.append({**game.log(finding), "action": action})
        take(game, action)
    elif finding.rule in monitor.FATAL:
        game.noted.append(game.log(finding))
        game.over = True
    elif not any(note["rule"] == finding.rule and note["attempt"] == game.attempt for note in game.noted):
        game.noted.append(game.log(finding))


def flaw_of(game: Game, found: Symptoms, kid: float) -> list[str]:
    """Remember what the generated images of this look show; return why this generator would be refused, if it was."""
    painted = symptoms.painted(found, game.watch)
    game.flaws.append(list(painted or ()))
    start = game.since(game.step + 1)
    return list(
        monitor.on_losses(game.losses[start:], game.gaps[start:], game.window, game.watch, game.scale)
        or monitor.on_distance(kid, game.untrained, game.watch)
        or painted
        or symptoms.covering(found, game.watch)
        or ()
    )


def findings(game: Game, opinion: Opinion) -> Iterator[Finding]:
    """Rules that apply, worst first; what was before the last action does not count."""
    watch, start = game.watch, game.since(game.step + 1)
    found = [
        monitor.on_losses(game.losses[start:], game.gaps[start:], game.window, watch, game.scale),
        monitor.on_gradients(game.lengths[start:], game.window, watch),
    ]
    signs = game.signs[start:][-game.window :]
    if len(signs) == game.window:
        sign = 0.0 if game.rule.loss == "wgan-gp" else sum(signs) / game.window
        found.append(monitor.on_fit(sign, opinion, watch))
    looks = start // game.rule.every
    found.append(monitor.on_distances(game.distances[looks:], watch))
    found.append(monitor.on_recalls({k: v[looks:] for k, v in game.recalls.items()}, game.sizes, watch))
    if game.step >= watch.settled * game.rule.steps:
        found.append(lasting(game.flaws[looks:]))
    if game.step == game.rule.steps:
        found.insert(0, verdict(game))
    yield from (finding for finding in found if finding)


def lasting(flaws: list[list[str]]) -> Finding | None:
    """The rule on generated images that applied at the last two looks: one look may be chance."""
    if len(flaws) < 2 or not flaws[-1] or flaws[-2][:1] != flaws[-1][:1]:
        return None
    return Finding(flaws[-1][0], f"{flaws[-1][1]}, at two looks")


def open_to(game: Game, rule: str) -> Iterator[Action]:
    """Actions that this attempt has not taken and that would change something where `rule` applies."""
    taken = [t["action"] for t in game.taken if t["attempt"] == game.attempt]
    done = game.step == game.rule.steps
    lost = rule in monitor.FATAL or done
    idle = {
        "rates": done,
        "augment": done or game.chance == 1,
        "r1": done or game.r1 > 0 or game.rule.loss == "wgan-gp",
        "restart": game.attempt == game.watch.restarts or not lost or (done and verdict(game) is None),
    }
    for action in game.watch.actions:
        if not idle[action] and action not in taken:
            yield action


def take(game: Game, action: Action) -> None:
    """Do it."""
    if action == "rates":
        game.halve_rates()
    elif action == "augment":
        game.chance = (1 + game.chance) / 2
    elif action == "r1":
        game.r1 = r1_weight(game)
    else:
        restart(game)


def r1_weight(game: Game) -> float:
    """Weight of R1 by the size of image and batch.

    Source: Karras et al., NeurIPS 2020 (StyleGAN2-ADA), appendix C.
    """
    return 0.0002 * game.gan.size**2 / game.rule.batch


def restart(game: Game) -> None:
    """Begin again with another seed; the best generator so far stays in the race, if it is sound."""
    if verdict(game) is None and game.best_kid < game.earlier.get("best_kid", torch.inf):
        game.earlier = {name: getattr(game, name) for name in KEPT}
    seed, gan = seed_of("restart", game.seed), game.gan
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = Gan(*gan.shape)
    fresh.adopt(gan.cells, gan.letters)
    gan.load_state_dict(fresh.state_dict())
    game.player.load_state_dict(fresh.generator.state_dict())
    game.attempt += 1
    game.begin(seed)


def blame(game: Game) -> Finding | None:
    """The rule on losses that speaks against the best generator of this attempt; what came after it does not count."""
    start, until = game.since(len(game.losses) + 1), game.best_step
    rules = (game.window, game.watch, game.scale)
    ended = monitor.on_losses(game.losses[start:], game.gaps[start:], *rules)
    if ended and until < game.window:
        return ended
    start = game.since(until)
    return monitor.on_losses(game.losses[start:until], game.gaps[start:until], *rules)


def verdict(game: Game) -> Finding | None:
    """Whether the best generator of this attempt is to be trusted, as far as numbers of the training can say."""
    refused = Finding(*game.best_flaw) if game.best_flaw else None
    return blame(game) or monitor.on_distance(game.best_kid, game.untrained, game.watch) or refused


def crown(game: Game) -> None:
    """Put the best generator of all attempts into the GAN."""
    rival: dict[str, Any] = game.earlier
    if rival and (verdict(game) is not None or rival["best_kid"] < game.best_kid):
        for name, value in rival.items():
            setattr(game, name, value)
    game.gan.load_state_dict(game.best)
