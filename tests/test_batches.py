"""Out of memory: smaller batches, the same verdicts; one image that does not fit fails the cell."""

import logging

import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import transfer
from robustgan.attacks.pgd import PGD
from robustgan.batches import Room, halved
from robustgan.errors import MemoryShortError
from robustgan.evaluation import judge, ready
from robustgan.interfaces import Linf, Samples
from robustgan.journal import silent
from robustgan.scoring import scores_of
from robustgan.survival import survival
from tests.cramped import Cramped

PGD_5 = PGD(threat=Linf(eps=8 / 255), steps=5)


@pytest.mark.parametrize("most", [1, 5, 7])
def test_attacks_go_on_with_smaller_batches_to_the_same_verdicts(
    linear: nn.Module, samples: Samples, most: int, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int] = []
    whole, images = judge(PGD_5, linear, nn.Identity(), samples, 0, 24)
    tight, same = judge(
        PGD_5, Cramped(linear, most), nn.Identity(), samples, 0, 24, lambda done, total, text: told.append(done)
    )
    pd.testing.assert_frame_equal(whole[["image_id", "pred", "clean_pred"]], tight[["image_id", "pred", "clean_pred"]])
    assert torch.equal(images, same)  # of a linear model every bit
    assert told == sorted(set(told))
    assert told[-1] == len(samples)
    assert "out of memory; going on with batches of" in caplog.text
    assert "Verdicts stay the same" in caplog.text


def test_scores_transfer_and_survival_go_on_too(linear: nn.Module, samples: Samples) -> None:
    cramped = Cramped(linear, 3)
    assert torch.equal(scores_of(cramped, samples.images, Room(24)), scores_of(linear, samples.images, Room(24)))
    with ready(PGD_5, linear, nn.Identity(), samples, 0, 24) as duel:
        rows = [transfer.judge(duel, target, samples, silent) for target in (linear, cramped)]
    pd.testing.assert_frame_equal(rows[0], rows[1])
    saved = [survival(model, samples.images, samples.images, Room(24)) for model in (linear, cramped)]
    pd.testing.assert_frame_equal(saved[0], saved[1])


def test_where_one_image_does_not_fit_the_cell_fails_as_out_of_memory(linear: nn.Module, samples: Samples) -> None:
    with pytest.raises(MemoryShortError, match=r"pgd: out of memory with a batch of one image .*smaller images"):
        judge(PGD_5, Cramped(linear, 0), nn.Identity(), samples, 0, 24)


def test_batches_shrink_only_where_they_must(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    sizes: list[int] = []

    def work(part: slice) -> int:
        size = part.stop - part.start
        if size > 4:
            raise MemoryError
        sizes.append(size)
        return size

    assert sum(halved(21, Room(16), work, "w")) == 21
    assert sizes == [4, 4, 4, 4, 4, 1]
    assert len(caplog.records) == 2


def test_who_owns_the_room_learns_once(caplog: pytest.LogCaptureFixture) -> None:
    def work(part: slice) -> int:
        if part.stop - part.start > 4:
            raise MemoryError
        return part.stop - part.start

    room = Room(16)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert sum(halved(21, room, work, "w")) == 21
    assert room.batch == 4
    assert len(caplog.records) == 2


def test_other_errors_end_the_work() -> None:
    def work(part: slice) -> None:
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        list(halved(4, Room(2), work, "w"))
