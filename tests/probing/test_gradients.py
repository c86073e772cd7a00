"""Slopes against differences: exact for a linear classifier, close for a curved one."""

import pytest
import torch
from torch import nn

from robustgan.batches import Room
from robustgan.errors import MemoryShortError
from robustgan.interfaces import L2, Linf, Samples
from robustgan.probing.gradients import differences, gradients
from robustgan.probing.judging import Victim
from tests.conftest import Linear
from tests.cramped import Cramped

LINF = Linf(eps=8 / 255)


@pytest.mark.parametrize("threat", [LINF, L2(eps=0.5)])
def test_the_slopes_of_a_linear_classifier_add_up_exactly(linear: Linear, samples: Samples, threat: Linf | L2) -> None:
    found = differences(Victim(linear, 0, Room(64)), samples, threat)
    assert found["lines"] == len(samples)
    assert found["disagreeing"] == 0
    assert found["agreement"] == pytest.approx(1, abs=1e-6)


class Bent(nn.Module):
    """A smooth function of the margin: the slope changes along every line."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = self.model(x)
        return logits**3 + logits


def test_a_bent_classifier_agrees_too(linear: Linear, samples: Samples) -> None:
    assert differences(Victim(Bent(linear), 0, Room(64)), samples, LINF)["agreement"] > 0.97


class Flat(nn.Module):
    """Zero gradients for images whose first pixel is dark."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = x[:, 0, 0, 0].view(-1, 1)
        logits = self.model(x)
        return torch.where(first < 0.5, logits.detach(), logits)


def test_zero_gradients_are_counted_image_by_image(linear: Linear, samples: Samples) -> None:
    found = gradients(Victim(Flat(linear), 0, Room(64)), samples, Linf(eps=1e-4))
    dark = int((samples.images[:, 0, 0, 0] < 127.5).sum())
    assert found["gradients"] == 2 * len(samples)
    assert found["zero_gradients"] == 2 * dark
    assert found["not_finite_gradients"] == 0


def test_no_gradient_at_all_is_a_fact_and_no_crash(samples: Samples) -> None:
    class Label(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.one_hot((x.mean((1, 2, 3)) > 0.5).long(), 2).float()

    assert "does not require grad" in gradients(Victim(Label(), 0, Room(64)), samples, LINF)["gradient_error"]


def test_gradients_that_do_not_fit_are_not_taken_for_gradients_that_are_not_there(
    linear: Linear, samples: Samples
) -> None:
    room = Room(64)
    found = gradients(Victim(Cramped(linear, 5), 0, room), samples, LINF)
    assert found == gradients(Victim(linear, 0, Room(64)), samples, LINF)
    assert room.batch <= 5
    with pytest.raises(MemoryShortError):
        gradients(Victim(Cramped(linear, 0), 0, room), samples, LINF)
