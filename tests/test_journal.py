"""A training's notes: nothing that is not finite, and a resumed file equal to an undisturbed one."""

import math
from pathlib import Path

import pytest
import torch

from robustgan.errors import InputError, RunError
from robustgan.journal import Journal


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, value: float) -> None:
    with pytest.raises(RunError, match="loss is not finite"):
        Journal(tmp_path).record(epoch=1, loss=value)


def test_resume_cuts_the_numbers_back_to_the_checkpoint(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.record(epoch=1, loss=0.5)
    journal.save(epoch=1, weights={"w": torch.ones(2)})
    journal.record(epoch=2, loss=0.4)  # then the process dies
    again = Journal(tmp_path)
    state = again.load()
    assert state is not None
    assert state["epoch"] == 1
    assert torch.equal(state["weights"]["w"], torch.ones(2))
    again.record(epoch=2, loss=0.3)
    assert (tmp_path / "stats.jsonl").read_text().splitlines() == [
        '{"epoch": 1, "loss": 0.5}',
        '{"epoch": 2, "loss": 0.3}',
    ]


def test_numbers_without_a_checkpoint_are_dropped(tmp_path: Path) -> None:
    Journal(tmp_path).record(epoch=1, loss=0.5)
    journal = Journal(tmp_path)
    assert journal.load() is None
    assert not journal.stats.exists()


def test_a_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.save(epoch=1)
    journal.save(epoch=2)
    assert journal.load() == {"epoch": 2}
    journal.answers.touch()
    journal.tally.with_suffix(".counting").touch()  # as a kill may leave it
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.identify("a" * 64)
    journal.record(epoch=1, loss=0.5)
    journal.save(epoch=1)
    journal.record(epoch=2, loss=0.5)
    assert journal.load() == {"epoch": 1}
    for identity in ("b" * 64, ""):
        other = Journal(tmp_path)
        other.identify(identity)
        with pytest.raises(
            InputError, match=r"checkpoint\.pt: found .* \(aaaaaaaaaaaa, this one is (bbbbbbbbbbbb|unnamed)"
        ):
            other.load()
    assert journal.stats.exists()
