"""Forging where memory is short: smaller batches, the same images and verdicts."""

import logging

import pandas as pd
import pytest
import torch

from robustgan.batches import Room
from robustgan.gan.conditional import Gan
from robustgan.gan.forgery import Forged, Jury, forge
from robustgan.gan.recipe import Hunt
from robustgan.gan.search import Parties
from tests.cramped import Cramped
from tests.gan.test_search import LATENT, SIDE, Painter, Taste

RULE = Hunt(images=10, starts=4, steps=5, lr=0.05, batch=16)


@pytest.fixture
def gan() -> Gan:
    torch.manual_seed(0)
    made = Gan(SIDE, (4, 4), LATENT, 4)
    made.generator = Painter()
    made.name_cells(pd.DataFrame({"label": [0, 1], "magnification": [40, 40]}))
    made.realism.fill_(-1e3)
    return made.eval().requires_grad_(False)


def forged(gan: Gan, most: int, told: list[int]) -> tuple[Forged, Room]:
    victim, oracle = Cramped(Taste(0), most), Cramped(Taste(1), most)
    room = Room(RULE.batch)
    made = forge(
        Parties(gan, victim, [oracle]),
        Jury(victim, [oracle]),
        RULE,
        room,
        0,
        lambda done, total, text: told.append(done),
    )
    return made, room


def test_what_fits_is_found_once(gan: Gan, caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    whole, untouched = forged(gan, 100, [])
    assert untouched.batch == RULE.batch
    with caplog.at_level(logging.WARNING):
        tight, room = forged(gan, 3, told)
    assert torch.equal(tight.images, whole.images)
    pd.testing.assert_frame_equal(tight.rows, whole.rows)
    assert room.batch == 2
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["latent search"] * 2  # 8, 4, 2
    assert told == sorted(told)  # 8 searches of 5 steps, 2 at a time
    assert [done for done in (10, 20, 30, 40) if done in told] == [10, 20, 30, 40]
    assert told[-1] == 40
