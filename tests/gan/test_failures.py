"""Trainings that fail, small and real: what is planted is the cause, not the numbers."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from robustgan.attacks.dcgan import DCGAN
from robustgan.gan import game as games
from robustgan.gan.conditional import Gan
from robustgan.gan.players import Game
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal
from tests.conftest import samples_of

SIDE = 16


def plan(**training: Any) -> DCGAN:
    rule = {"steps": 12, "batch": 8, "every": 6, "augment": 0.0, **training}
    watch = {"shortest": 6, "actions": []}
    sizes = {"size": SIDE, "latent": 4, "embedding": 4, "ngf": 4, "ndf": 4}
    return DCGAN.read({**sizes, "training": rule, "monitor": watch})


def bright(n: int, seed: int) -> Samples:
    """Nearly white images: an untrained generator paints grey ones."""
    rng = torch.Generator().manual_seed(seed)
    images = torch.randint(240, 256, (n, 3, SIDE, SIDE), generator=rng)
    return samples_of(images.to(torch.uint8), torch.arange(n) % 2, (40,))


def trained(folder: Path, attack: DCGAN, network: Gan) -> dict[str, Any]:
    torch.manual_seed(1)
    state = State(network, torch.Generator().manual_seed(1))
    attack.fit(nn.Identity(), bright(40, 1), bright(20, 2), state, Journal(folder))
    status: dict[str, Any] = json.loads((folder / "status.json").read_text())
    return status


def test_a_discriminator_without_scores_is_dead(tmp_path: Path) -> None:
    attack = plan(lr_d=1e-9)
    network = attack.build()
    for layer in (network.discriminator.score, network.discriminator.table):
        parametrize.remove_parametrizations(layer, "weight")  # spectral norm has no zero
        nn.init.zeros_(layer.weight)
    nn.init.zeros_(network.discriminator.score.bias)
    status = trained(tmp_path, attack, network)
    assert (status["status"], status["warnings"][0]["rule"]) == ("D_DEAD", "D_DEAD")
    assert status["warnings"][0]["step"] == 6  # it did not go on


def test_a_discriminator_that_nothing_answers_is_saturated(tmp_path: Path) -> None:
    attack = plan(lr_g=1e-9, lr_d=2e-2, steps=60, every=20)
    status = trained(tmp_path, attack, attack.build())
    assert (status["status"], status["warnings"][0]["rule"]) == ("D_SATURATED", "D_SATURATED")


def test_a_weight_that_is_not_a_number_is_found_and_the_training_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, planted = games.turn, []

    def broken(game: Game, pool: games.Pool) -> torch.Tensor:
        if game.step == 8 and not planted:
            planted.append(game.step)
            next(game.player.parameters()).data.fill_(torch.nan)
        return turn(game, pool)

    monkeypatch.setattr(games, "turn", broken)
    attack = plan(lr_d=2e-2)
    network = attack.build()
    status = trained(tmp_path, attack, network)
    assert [(t["rule"], t["action"]) for t in status["actions"]] == [("NONFINITE", "reload")]
    assert "from step 9 on" in status["actions"][0]["reason"]
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
