from typing import Any

import pytest
import torch
from torch.nn.utils import parametrize

from robustgan.attacks.dcgan import DCGAN
from robustgan.draws import seed_of
from robustgan.errors import InputError
from robustgan.gan import objectives, turn
from robustgan.gan.bench import Pool, pool_of
from robustgan.gan.players import Game
from robustgan.team import Team
from tests.conftest import samples_of

LOSSES = ("hinge", "minimax", "nonsaturating", "lsgan", "wgan-gp")


def begun(**training: Any) -> tuple[Game, Pool]:
    """A game before its first step, and what it learns from: dark benign and bright malignant images."""
    rule = {"steps": 100, "batch": 8, "lr_g": 2e-3, "lr_d": 2e-3, "half_life": 0.1, **training}
    attack = DCGAN.read({"size": 16, "latent": 4, "embedding": 4, "ngf": 4, "ndf": 4, "training": rule})
    labels = torch.arange(40) % 2
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(40, 80, (40, 3, 16, 16), generator=rng) + 120 * labels.view(-1, 1, 1, 1)
    samples = samples_of(images.to(torch.uint8), labels, (40,))
    torch.manual_seed(0)
    gan = attack.build()
    gan.name_cells(samples.rows)
    return Game(gan, attack.training, attack.monitor, 5), pool_of(gan, samples)


def played(steps: int, **training: Any) -> tuple[Game, torch.Tensor]:
    game, pool = begun(**training)
    rows = []
    for _ in range(steps):
        rows.append(turn.turn(game, pool))
        game.step += 1
    return game, torch.stack(rows)


def weights(module: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


# ------------------------------------------------------------------------------------------------------------ losses


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_teaches_the_generator_the_brightness_of_each_label(loss: str) -> None:
    steps = {"d_steps": 3} if loss == "wgan-gp" else {}
    game, rows = played(80, loss=loss, augment=0.0, lr_g=4e-3, lr_d=4e-3, **steps)
    assert torch.isfinite(rows).all()
    z = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        dark, bright = (game.gan.generator.eval()(z, torch.full((64,), label)).mean() for label in (0, 1))
    assert bright - dark > 0.15  # 0.47 in the real images, 0 before training


@pytest.mark.parametrize("loss", LOSSES)
def test_the_losses_of_a_step_are_those_of_the_scores(loss: str) -> None:
    _, rows = played(1, loss=loss)
    other, pool = begun(loss=loss)
    hand = turn.deal(other, pool)
    other.player.train(), other.gan.discriminator.train()
    fake = other.player(hand.z, hand.labels).detach()
    real = turn.shown(other, hand.real, hand.first, "real")
    fake = turn.shown(other, fake, hand.first, "fake")
    scores = [other.gan.discriminator(x, hand.labels) for x in (real, fake)]
    assert float(rows[0, 0]) == pytest.approx(objectives.distinguish(loss, *scores).item(), abs=1e-5)


def test_the_penalty_takes_the_place_of_spectral_norm_and_holds_the_slope_near_one() -> None:
    game, pool = begun(loss="wgan-gp", lr_d=4e-3)
    assert not any(parametrize.is_parametrized(m) for m in game.gan.discriminator.modules())
    assert any(parametrize.is_parametrized(m) for m in begun()[0].gan.discriminator.modules())
    game.gan.discriminator.score.weight.data.mul_(30)

    def steepness() -> torch.Tensor:
        hand = turn.deal(game, pool)
        return objectives.slopes(game.gan.discriminator, hand.real, hand.labels).detach().mean()

    before = steepness()
    for _ in range(60):
        turn.turn(game, pool)
        game.step += 1
    assert abs(steepness() - 1) < 0.5 * abs(before - 1)


# ------------------------------------------------------------------------------------------------- tricks of training


def test_k_steps_of_the_discriminator_to_one_of_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []
    descend = turn.descend

    def counted(optimiser: torch.optim.Optimizer, loss: torch.Tensor, team: Team) -> torch.Tensor:
        seen.append(("d" if optimiser is game.optimisers["d"] else "g", 0))
        return descend(optimiser, loss, team)

    monkeypatch.setattr(turn, "descend", counted)
    game, pool = begun(d_steps=3)
    turn.turn(game, pool)
    assert [name for name, _ in seen] == ["d", "d", "d", "g"]
    hands = [turn.deal(game, pool, *again) for again in ((), (1,), (2,))]
    assert not torch.equal(hands[0].real, hands[1].real)
    assert not torch.equal(hands[1].z, hands[2].z)


def test_more_steps_make_the_discriminator_the_stronger() -> None:
    gaps = [played(15, d_steps=k, lr_d=1e-3, lr_g=1e-4)[1][-5:, 2].mean() for k in (1, 4)]
    assert gaps[1] > gaps[0]


def test_noisy_labels_are_the_share_that_was_asked_for_and_none_by_default() -> None:
    game, pool = begun(flip=0.25, batch=512)
    wrong = turn.deal(game, pool).wrong
    assert wrong is not None
    assert abs(wrong.double().mean(1) - 0.25).max() < 0.06
    assert turn.deal(*begun()).wrong is None


def test_smoothing_reaches_the_discriminator_and_holds_its_scores_down() -> None:
    sure, modest = (
        played(40, loss="nonsaturating", real_target=target, lr_d=5e-3, lr_g=1e-6, augment=0.0)[1]
        for target in (1.0, 0.7)
    )
    assert modest[-10:, 2].mean() < sure[-10:, 2].mean()


def test_instance_noise_has_the_sigma_that_was_asked_for_and_fades_to_nothing() -> None:
    game, _ = begun(instance_noise=0.2, augment=0.0, batch=64)
    x = torch.full((64, 3, 16, 16), 0.5)
    real, fake = turn.shown(game, x, 9, "real"), turn.shown(game, x, 9, "fake")
    assert float((real - x).std()) == pytest.approx(0.2, rel=0.02)
    assert not torch.equal(real, fake)  # the same noise on both would cancel
    assert torch.equal(real, turn.shown(game, x, 9, "real"))
    assert [turn.noise_of(game.rule, step) for step in (0, 15, 30, 99)] == pytest.approx([0.2, 0.1, 0.0, 0.0])
    game.step = 30
    assert torch.equal(turn.shown(game, x, 9, "real"), x)


def test_r1_comes_every_few_steps_and_is_so_much_heavier(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    real = objectives.r1

    def noted(*args: Any) -> torch.Tensor:
        steps.append(game.step)
        return real(*args)

    monkeypatch.setattr(objectives, "r1", noted)
    game, pool = begun(r1=1.0, r1_every=4)
    for _ in range(9):
        turn.turn(game, pool)
        game.step += 1
    assert steps == [0, 4, 8]


def test_r1_flattens_the_discriminator_at_real_images() -> None:
    def slope(**training: Any) -> float:
        game, _ = played(40, loss="nonsaturating", lr_g=1e-5, **training)
        hand = turn.deal(*begun())
        return objectives.slopes(game.gan.discriminator, hand.real, hand.labels).mean().item()

    plain = slope()
    assert slope(r1=0.5, r1_every=1) < 0.8 * plain
    assert slope(r1=0.5, r1_every=4) < 0.8 * plain


def test_defaults_change_no_random_number() -> None:
    game, pool = begun()
    hand = turn.deal(game, pool)
    rng = torch.Generator().manual_seed(seed_of("dcgan", 5, 0))
    assert torch.equal(hand.labels, torch.randint(0, 2, (8,), generator=rng))
    told = turn.deal(*begun(flip=0.3))
    assert torch.equal(told.z, hand.z)
    assert (told.first, told.second) == (hand.first, hand.second)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"real_target": 0.9}, "real_target 0.9 with loss hinge.*minimax, nonsaturating, lsgan"),
        ({"real_target": 0.9, "loss": "wgan-gp"}, "which has no targets"),
        ({"flip": 0.1, "loss": "wgan-gp"}, "flip 0.1 with loss wgan-gp"),
        ({"loss": "wgan"}, "training.loss"),
        ({"d_steps": 0}, "training.d_steps"),
        ({"real_target": 0.4, "loss": "lsgan"}, "training.real_target"),
        ({"flip": 0.5}, "training.flip"),
    ],
)
def test_settings_without_a_meaning_are_refused(training: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        DCGAN.read({"training": training})


def test_weights_move_in_both_networks_and_nowhere_else() -> None:
    game, pool = begun(loss="wgan-gp", d_steps=2)
    before = weights(game.player), weights(game.gan.discriminator)
    images = pool.images.clone()
    turn.turn(game, pool)
    assert not torch.equal(before[0], weights(game.player))
    assert not torch.equal(before[1], weights(game.gan.discriminator))
    assert torch.equal(images, pool.images)


@pytest.mark.parametrize(("step", "share"), [(0, 1.0), (50, 1.0), (75, 0.5), (90, 0.2), (100, 0.0)])
def test_the_learning_rates_fall_to_nothing_over_the_second_half(step: int, share: float) -> None:
    game, _ = begun(lr_g=1e-3, lr_d=2e-3)
    game.step = step
    game.set_rates()
    rates = [optimiser.param_groups[0]["lr"] for optimiser in game.optimisers.values()]
    assert rates == pytest.approx([1e-3 * share, 2e-3 * share])
    game.halve_rates()
    game.set_rates()
    assert game.optimisers["d"].param_groups[0]["lr"] == pytest.approx(1e-3 * share)


def test_a_step_at_the_end_hardly_changes_the_player() -> None:
    moved = []
    for step in (0, 99):
        game, pool = begun()
        game.step, before = step, weights(game.player)
        turn.turn(game, pool)
        moved.append(float((weights(game.player) - before).norm()))
    assert moved[1] < 0.05 * moved[0]
