"""The game of generator and discriminator; at regular looks the best averaged generator is kept.

On the CPU a game that resumes, at its last look or after the step at which it was asked to stop, ends with the same
bytes as one that was never disturbed.

Source:
    Heusel et al., NeurIPS 2017 (two learning rates); Miyato et al., ICLR 2018 (hinge loss and spectral norm).
"""

from __future__ import annotations

import math

import torch

from robustgan.errors import InputError, RunError
from robustgan.gan import rescue
from robustgan.gan.bench import Bench, Pool, bench_of, pool_of
from robustgan.gan.cells import cell_name
from robustgan.gan.conditional import Gan
from robustgan.gan.monitor import FEWEST, Finding, Opinion
from robustgan.gan.painting import opinion, paint, starts
from robustgan.gan.players import Game
from robustgan.gan.progress import Grid, append
from robustgan.gan.quality import EXTRACTOR, Features, covered, kernel_distance, uncertainty
from robustgan.gan.recipe import Play, Watch
from robustgan.gan.symptoms import symptoms_of
from robustgan.gan.turn import turn
from robustgan.interfaces import Samples
from robustgan.journal import Journal
from robustgan.tensors import Bytes

KID = f"kid_{EXTRACTOR}"  # the distance's name in stats.jsonl and status.json
ASKED = 64  # images of each kind on which the discriminator's opinion is taken at a look
RELOADS = 2  # times that a loss that is not finite is answered with half the learning rate


def play(
    gan: Gan, train: Samples, val: Samples, rule: Play, watch: Watch, seed: int, journal: Journal
) -> tuple[Game, Pool, Bench]:
    """Train; return the game with its best generator and discriminator loaded in `gan`.

    Raises:
        InputError: the images do not fit the networks, or too few validation images have a label of the
        training's. RunError: losses stay not finite after two reloads with half the learning rate.
    """
    check_size(gan, train)
    gan.name_cells(train.rows)
    pool = pool_of(gan, train)
    bench = bench_of(gan, pool, val)
    game = Game(gan, rule, watch, seed, journal.team)
    game.team.check(rule.batch, "dcgan: training.batch")
    resume(game, bench, journal)
    follow(game)
    while game.step < rule.steps and not game.over:
        game.trace.append(game.team.mean(turn(game, pool)))
        game.step += 1
        if game.step % rule.every == 0 or game.step == rule.steps:
            numbers, game.trace = torch.stack(game.trace).tolist(), []
            if game.team.leads:
                look_or_reload(game, numbers, bench, journal)
            follow(game)
        elif journal.stop.asked:
            pause_of(journal).save(**game.state())
    rescue.crown(game)
    return game, pool, bench


def check_size(gan: Gan, train: Samples) -> None:
    """Refuse images that the networks were not built for."""
    height, width = train.images.shape[2:]
    if (height, width) != (gan.size, gan.size):
        raise InputError(
            f"dcgan: size: found {gan.size}, but the images are {width}x{height}. "
            f"Set `size: {height}` in the attack, and the same `size` under `pixels`."
        )


def resume(game: Game, bench: Bench, journal: Journal) -> None:
    """Go on from the last look, or from the step at which the game was asked to stop, or make the first checkpoint."""
    state, pause = journal.load(), pause_of(journal)
    if state is not None:
        paused = pause.load() if pause.checkpoint.exists() else None
        game.restore(paused or state)
        pause.close()
        return
    game.untrained = bench.yardstick.distance(paint(game.gan, bench.z, bench.labels))
    journal.save(**game.state())


def pause_of(journal: Journal) -> Journal:
    """Where a game between two looks is kept; losses that are not finite still go back to the last look."""
    pause = Journal(journal.folder, journal.tick, journal.stop)
    pause.checkpoint = journal.folder / "pause.pt"
    return pause


def follow(game: Game) -> None:
    """Take over what the leader of the processes that train together has decided."""
    state = game.team.agree(game.state() if game.team.size > 1 else {})
    if not game.team.leads:
        game.restore(state)


def look_or_reload(game: Game, numbers: list[list[float]], bench: Bench, journal: Journal) -> None:
    """Look at a game whose losses are finite; go back where they are not."""
    if all(math.isfinite(value) for row in numbers for value in row):
        look(game, numbers, bench, journal)
    else:
        good = next(i for i, row in enumerate(numbers) if not all(map(math.isfinite, row)))
        reload(game, game.step - len(numbers) + good + 1, journal)


def reload(game: Game, broken: int, journal: Journal) -> None:
    """Go back to the last look and halve the learning rates; a loss is not finite from the step `broken` on."""
    finding = Finding("NONFINITE", f"a loss is NaN or infinite from step {broken} on")
    if game.reloads == RELOADS:
        raise RunError(
            f"dcgan: a loss is not finite from step {broken} on, also with learning rates halved {RELOADS} "
            "times. Lower lr_g and lr_d, or look at the data."
        )
    state = journal.load()
    if state is None:
        raise RunError(f"dcgan: {journal.checkpoint} is gone, there is nothing to go back to.")
    game.restore(state)
    game.reloads += 1
    game.taken.append({**game.log(finding), "action": "reload"})
    game.halve_rates()
    journal.save(**game.state())


def look(game: Game, numbers: list[list[float]], bench: Bench, journal: Journal) -> None:
    """Measure and show the averaged generator, keep the best, mend what is wrong, make a checkpoint.

    The best has the lowest distance of all that no rule refuses, and of all where each is refused.
    """
    d_loss, g_loss, gap, called, length = (list(column) for column in zip(*numbers, strict=True))
    for series, column in ((game.losses, d_loss), (game.gaps, gap), (game.signs, called), (game.lengths, length)):
        series += column
    images = paint(game.gan, bench.z, bench.labels)
    raw = bench.yardstick.extract(images)
    made = bench.yardstick.scale(raw)
    kid = kernel_distance(bench.yardstick.real, made)
    game.distances.append([kid, uncertainty(bench.yardstick.real, made)])
    recall(game, bench, made)
    means = [sum(column) / len(column) for column in (d_loss, g_loss, called)]
    numbers_shown = {"d_loss": means[0], "g_loss": means[1], "r_t": means[2], KID: kid}
    journal.record(step=game.step, **numbers_shown, gradient=max(length), attempt=game.attempt)
    flaw = rescue.flaw_of(game, symptoms_of(game.gan, bench, raw, game.watch), kid)
    game.sound += not flaw
    if not game.best or (bool(flaw), kid) < (bool(game.best_flaw), game.best_kid):
        game.best_kid, game.best_step, game.best_flaw = kid, game.step, flaw
        game.best = {name: value.clone() for name, value in game.gan.state_dict().items()}
    show(game, kid, journal)
    done, best = game.step, game.best_kid
    rescue.attend(game, opinion_of(game, bench, images))
    journal.save(**game.state())
    journal.tick(done, game.rule.steps, f"{KID} {kid:.3f}, best {best:.3f}")


def show(game: Game, kid: float, journal: Journal) -> None:
    """Add a row to `progress.png`: an image a label, from latent vectors that stay the same."""
    labels, z = starts(game.gan, 1, 0)
    grid = Grid([cell_name(cell) for cell in game.gan.labels()], game.gan.size)
    again = f"\nattempt {game.attempt + 1}" if game.attempt else ""
    text = f"step {game.step}\nKID {kid:.3f}{again}"
    append(journal.folder / "progress.png", grid, paint(game.gan, z, labels), text, game.looks)
    game.looks += 1


def recall(game: Game, bench: Bench, made: Features) -> None:
    """Remember how much of the held-out images of each label the generator can make."""
    for i, cell in enumerate(game.gan.labels()):
        mine, name = bench.labels == i, cell_name(cell)
        if (size := int(mine.sum())) >= FEWEST:
            game.sizes[name] = size
            game.recalls.setdefault(name, []).append(covered(bench.yardstick.real[mine], made[mine]))


def opinion_of(game: Game, bench: Bench, generated: Bytes) -> Opinion:
    """Mean scores of training, held-out and generated images of the same labels."""
    labels = bench.labels[:ASKED]
    images = (bench.trained_on, bench.held_out, generated)
    return Opinion(*(float(opinion(game.gan, some[:ASKED], labels).mean()) for some in images))
