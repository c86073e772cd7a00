import pytest
import torch
from torch import nn

from robustgan.gan.ema import average, decay


def network(value: float) -> nn.Module:
    made = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    for parameter in made.parameters():
        nn.init.constant_(parameter, value)
    return made


def test_after_k_steps_the_average_is_the_closed_form() -> None:
    kept, trained = network(1.0), network(3.0)
    for _ in range(7):
        average(kept, trained, 0.9)
    for parameter in kept.parameters():
        assert torch.allclose(parameter, torch.full_like(parameter, 3 - 2 * 0.9**7))


def test_buffers_are_copied_not_averaged() -> None:
    kept, trained = network(0.0), network(0.0)
    trained[1].running_mean.fill_(5.0)
    trained[1].num_batches_tracked.fill_(11)
    average(kept, trained, 0.999)
    assert kept[1].running_mean.tolist() == [5.0, 5.0]
    assert int(kept[1].num_batches_tracked) == 11


def test_the_trained_network_stays_as_it_is_and_no_gradient_is_recorded() -> None:
    kept, trained = network(0.0), network(1.0)
    average(kept, trained, 0.5)
    assert all((p == 1).all() for p in trained.parameters())
    assert all(p.grad_fn is None for p in kept.parameters())


def test_half_of_the_old_average_is_left_after_the_half_life() -> None:
    steps = 5000 // 50
    assert decay(50, 10**9, 5.0) ** steps == pytest.approx(0.5)


def test_the_ramp_up_lets_young_averages_forget() -> None:
    assert decay(32, 0, 5.0) == 0.0
    assert decay(32, 3200, 5.0) == pytest.approx(0.5 ** (32 / 160))
    assert decay(32, 100_000, 5.0) == decay(32, 10**9, 5.0)
