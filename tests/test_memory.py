"""Out of memory: smaller batches, the same verdicts; one image that does not fit fails the cell."""

import logging

import pandas as pd
import pytest
import torch
from torch import nn

from robustgan import transfer
from robustgan.attacks.pgd import PGD
from robustgan.errors import MemoryShortError
from robustgan.evaluation import judge, scores_of
from robustgan.interfaces import Linf, Samples
from robustgan.journal import silent
from robustgan.memory import halved, short
from robustgan.survival import survival


class Cramped(nn.Module):
    """A classifier on a device with room for `most` images."""

    def __init__(self, network: nn.Module, most: int) -> None:
        super().__init__()
        self.network, self.most = network, most

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > self.most:
            raise torch.OutOfMemoryError(f"CUDA out of memory: {len(x)} images")
        return self.network(x)


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
    assert torch.equal(scores_of(cramped, samples.images, 24), scores_of(linear, samples.images, 24))
    pairs = [transfer.Pair(linear, target) for target in (linear, cramped)]
    rows = [transfer.judge(PGD_5, pair, nn.Identity(), samples, 0, 24, silent) for pair in pairs]
    pd.testing.assert_frame_equal(rows[0], rows[1])
    saved = [survival(model, samples.images, samples.images, 24) for model in (linear, cramped)]
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

    assert sum(halved(21, 16, work, "w")) == 21
    assert sizes == [4, 4, 4, 4, 4, 1]
    assert len(caplog.records) == 2


def test_other_errors_are_not_taken_for_it() -> None:
    def work(part: slice) -> None:
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        list(halved(4, 2, work, "w"))
    assert not short(RuntimeError("shape mismatch"))
    assert short(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"))
    caused = RuntimeError("in a library")
    caused.__cause__ = MemoryError()
    assert short(caused)
