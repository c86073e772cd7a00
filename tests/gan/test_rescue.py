import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from robustgan.attacks.dcgan import DCGAN
from robustgan.freezing import weights_digest
from robustgan.gan import game as games
from robustgan.gan import rescue
from robustgan.gan.cells import Cell
from robustgan.gan.conditional import Gan
from robustgan.gan.monitor import Opinion
from robustgan.gan.players import Game
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal
from tests.conftest import samples_of

LADDER = ["rates", "augment", "r1", "restart"]
FINE = Opinion(1.0, 0.9, -1.0)


class KillError(Exception):
    """Stands for a kill."""


def attack(actions: list[str] = LADDER, restarts: int = 2, **training: Any) -> DCGAN:
    rule = {"steps": 9, "batch": 8, "every": 3, **training}
    watch = {"shortest": 3, "actions": actions, "restarts": restarts}
    sizes = {"size": 16, "latent": 6, "embedding": 4, "ngf": 4, "ndf": 4}
    return DCGAN.read({**sizes, "training": rule, "monitor": watch})


@pytest.fixture(scope="module")
def sides() -> tuple[Samples, Samples]:
    images = torch.randint(0, 256, (60, 3, 16, 16), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    labels = torch.arange(60) // 2 % 2
    return samples_of(images[:40], labels[:40], (40,)), samples_of(images[40:], labels[40:], (40,))


def fitted(folder: Path, sides: tuple[Samples, Samples], plan: DCGAN, stop: int = 0) -> tuple[Gan, dict[str, Any]]:
    folder.mkdir(exist_ok=True)
    torch.manual_seed(1)
    network = plan.build()
    looks = []

    def tick(done: int, total: int, text: str) -> None:
        looks.append(done)
        if len(looks) == stop:
            raise KillError

    plan.fit(nn.Identity(), *sides, State(network, torch.Generator().manual_seed(1)), Journal(folder, tick))
    return network, json.loads((folder / "status.json").read_text())


@pytest.fixture
def saturated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A discriminator that always wins, in a game whose weights move."""
    turn = games.turn

    def winning(game: Game, pool: games.Pool) -> torch.Tensor:
        found = turn(game, pool)
        found[0] = 0.001 * (game.step % 2)
        return found

    monkeypatch.setattr(games, "turn", winning)


def begun(sides: tuple[Samples, Samples], plan: DCGAN) -> Game:
    torch.manual_seed(1)
    gan = plan.build()
    gan.name_cells(sides[0].rows)
    return Game(gan, plan.training, plan.monitor, 5)


def test_the_ladder_is_climbed_rung_by_rung_and_twice_from_the_start(
    tmp_path: Path, sides: tuple[Samples, Samples], saturated: None
) -> None:
    network, status = fitted(tmp_path, sides, attack(steps=15))
    assert [(t["attempt"], t["step"], t["action"]) for t in status["actions"]] == [
        (attempt, step, action)
        for attempt in (0, 1, 2)
        for step, action in zip((3, 6, 9, 12), LADDER, strict=True)
        if (attempt, action) != (2, "restart")
    ]
    assert {t["rule"] for t in status["actions"]} == {"D_SATURATED"}
    assert [note["rule"] for note in status["warnings"]] == ["D_SATURATED"]
    assert status["status"] == "D_SATURATED"
    assert int(network.status) != 0
    lines = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert [(row["attempt"], row["step"]) for row in lines] == [(a, s) for a in (0, 1, 2) for s in (3, 6, 9, 12)]


def test_without_actions_a_saturated_training_ends(
    tmp_path: Path, sides: tuple[Samples, Samples], saturated: None
) -> None:
    _, status = fitted(tmp_path, sides, attack([]))
    assert status["status"] == "D_SATURATED"
    assert status["actions"] == []
    assert len((tmp_path / "stats.jsonl").read_text().splitlines()) == 1


def test_each_action_does_what_it_says(sides: tuple[Samples, Samples]) -> None:
    game = begun(sides, attack(augment=0.5))
    before = weights_digest(game.gan)
    rescue.take(game, "rates")
    game.set_rates()
    assert [o.param_groups[0]["lr"] for o in game.optimisers.values()] == [1e-4, 2e-4]
    rescue.take(game, "augment")
    assert game.chance == 0.75
    rescue.take(game, "r1")
    assert game.r1 == pytest.approx(0.0002 * 16**2 / 8)
    assert weights_digest(game.gan) == before
    game.step, seed = 6, game.seed
    rescue.take(game, "restart")
    assert weights_digest(game.gan) != before
    assert game.gan.labels() == [Cell(0, 40), Cell(1, 40)]
    assert (game.step, game.attempt, game.chance, game.r1) == (0, 1, 0.5, 0.0)
    assert game.seed != seed
    game.set_rates()
    assert game.optimisers["g"].param_groups[0]["lr"] == 2e-4
    same = [torch.equal(a, b) for a, b in zip(game.player.parameters(), game.gan.generator.parameters(), strict=True)]
    assert all(same)


def test_an_action_that_would_change_nothing_is_passed_over(sides: tuple[Samples, Samples]) -> None:
    assert list(rescue.open_to(begun(sides, attack(augment=1.0)), "D_DEAD")) == ["rates", "r1", "restart"]
    assert list(rescue.open_to(begun(sides, attack(r1=1.0, loss="hinge")), "D_DEAD")) == ["rates", "augment", "restart"]
    assert list(rescue.open_to(begun(sides, attack(loss="wgan-gp")), "D_DEAD")) == ["rates", "augment", "restart"]
    assert list(rescue.open_to(begun(sides, attack(restarts=0)), "D_DEAD")) == ["rates", "augment", "r1"]
    assert list(rescue.open_to(begun(sides, attack()), "COLLAPSED")) == ["rates", "augment", "r1"]  # it still learns
    assert list(rescue.open_to(begun(sides, attack([])), "D_DEAD")) == []


def test_after_an_action_the_rules_look_at_what_came_after_it(sides: tuple[Samples, Samples]) -> None:
    game = begun(sides, attack())
    game.step, game.losses, game.gaps, game.lengths, game.signs = 3, [0.0, 0.01, 0.0], [1.0] * 3, [1.0] * 3, [0.5] * 3
    rescue.attend(game, FINE)
    assert [t["action"] for t in game.taken] == ["rates"]
    rescue.attend(game, FINE)
    assert len(game.taken) == 1


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        ({"losses": [0.01, 0.02, 0.03]}, "D_SATURATED"),
        ({"losses": [2.0, 2.001, 1.999], "gaps": [0.001] * 3}, "D_DEAD"),
        ({"losses": [0.7] * 3}, "STUCK"),
        ({"lengths": [1e3] * 3}, "GRAD"),
        ({"signs": [0.99] * 3}, "OVERFIT"),
        ({"distances": [[1.0, 0.0], [3.0, 0.0], [3.0, 0.0]]}, "REGRESSED"),
        ({"recalls": {"benign 40X": [0.9, 0.1, 0.1]}, "sizes": {"benign 40X": 50}}, "COLLAPSED"),
    ],
)
def test_every_rule_of_the_training_reaches_the_ladder(
    sides: tuple[Samples, Samples], planted: dict[str, Any], rule: str
) -> None:
    healthy = {"losses": [0.6, 0.9, 0.8], "gaps": [1.0] * 3, "lengths": [1.0] * 3, "signs": [0.5] * 3}
    game = begun(sides, attack())
    for name, series in {**healthy, **planted}.items():
        setattr(game, name, series)
    game.step = 3
    rescue.attend(game, FINE)
    assert [t["rule"] for t in game.taken] == [rule]


def test_a_healthy_training_takes_no_action_and_notes_nothing(tmp_path: Path, sides: tuple[Samples, Samples]) -> None:
    game = begun(sides, attack())
    game.step, game.losses, game.gaps = 3, [0.6, 0.9, 0.8], [1.0] * 3
    game.lengths, game.signs, game.distances = [1.0] * 3, [0.5] * 3, [[1.0, 0.1]]
    rescue.attend(game, FINE)
    assert game.taken == game.noted == []


def test_a_discriminator_that_knows_its_images_by_heart_is_noticed(sides: tuple[Samples, Samples]) -> None:
    game = begun(sides, attack())
    game.step, game.losses, game.gaps = 3, [0.6, 0.9, 0.8], [1.0] * 3
    game.signs = [0.5] * 3
    rescue.attend(game, Opinion(1.0, -0.5, -1.0))
    assert game.taken[0]["rule"] == "OVERFIT"


def test_a_rule_that_leaves_the_training_alive_is_noted_once_an_attempt_where_nothing_is_left_to_try(
    sides: tuple[Samples, Samples],
) -> None:
    game = begun(sides, attack([]))
    game.step, game.losses, game.gaps, game.signs = 3, [0.6, 0.9, 0.8], [1.0] * 3, [0.99] * 3
    rescue.attend(game, FINE)
    rescue.attend(game, FINE)
    assert [note["rule"] for note in game.noted] == ["OVERFIT"]
    assert not game.over


def test_a_sound_generator_of_an_earlier_attempt_stays_in_the_race(sides: tuple[Samples, Samples]) -> None:
    game = begun(sides, attack())
    first = {name: value.clone() for name, value in game.gan.state_dict().items()}
    game.untrained, game.best, game.best_kid, game.best_step = 10.0, first, 1.0, 6
    game.losses, game.gaps, game.step = [0.6, 0.9, 0.8] * 3, [1.0] * 9, 9
    rescue.restart(game)
    game.losses, game.gaps, game.step = [0.6, 0.9, 0.8] * 3, [1.0] * 9, 9
    game.best = {name: value.clone() for name, value in game.gan.state_dict().items()}
    game.best_kid, game.best_step = 2.0, 9
    second = weights_digest(game.gan)
    rescue.crown(game)
    assert (game.best_kid, game.best_step, game.attempt) == (1.0, 6, 0)
    assert weights_digest(game.gan) != second
    assert all(torch.equal(value, first[name]) for name, value in game.gan.state_dict().items())


def test_an_unsound_generator_of_an_earlier_attempt_is_forgotten(sides: tuple[Samples, Samples]) -> None:
    game = begun(sides, attack())
    game.untrained, game.best_kid, game.best_step = 10.0, 1.0, 3
    game.losses, game.gaps, game.step = [0.0, 0.01, 0.0], [1.0] * 3, 3
    rescue.restart(game)
    assert game.earlier == {}


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_ladder_that_was_killed_goes_on_to_the_same_bytes(
    tmp_path: Path, sides: tuple[Samples, Samples], saturated: None, stop: int
) -> None:
    plan = attack(["rates", "restart"], restarts=1)
    network, status = fitted(tmp_path / "straight", sides, plan)
    assert [t["action"] for t in status["actions"]] == ["rates", "restart", "rates"]
    with pytest.raises(KillError):
        fitted(tmp_path / "killed", sides, plan, stop)
    resumed, _ = fitted(tmp_path / "killed", sides, plan)
    assert weights_digest(resumed) == weights_digest(network)
    for name in ("stats.jsonl", "sheet.png", "status.json", "progress.png"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()
