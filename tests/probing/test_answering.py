"""How a classifier answers: the shape of its outputs, and the same answer again."""

import pytest
import torch
from torch import nn

from robustgan.batches import Room
from robustgan.interfaces import Linf, Samples
from robustgan.probing import answering
from robustgan.probing.judging import Victim
from tests.conftest import Linear

LINF = Linf(eps=8 / 255)


class After(nn.Module):
    """A classifier with something behind it."""

    def __init__(self, model: nn.Module, what: str) -> None:
        super().__init__()
        self.model, self.what = model, what

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = self.model(x)
        if self.what == "probabilities":
            return logits.softmax(1)
        return nn.functional.one_hot(logits.argmax(1), 2).float() if self.what == "one-hot" else logits


@pytest.mark.parametrize("what", ["logits", "probabilities", "one-hot"])
def test_the_form_of_outputs(linear: Linear, samples: Samples, what: str) -> None:
    found = answering.outputs(After(linear, what), samples.images, Room(64))
    assert found["outputs"] == what
    assert found["images"] == len(samples)
    assert found["gradient_calls"] == 0


def test_one_training_mode_batch_norm_makes_answers_depend_on_company(linear: Linear, samples: Samples) -> None:
    class Company(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return linear(x - x.mean((0, 2, 3), keepdim=True) + 0.5)

    found = answering.repeated(Victim(Company(), 0, Room(64)), samples.images, LINF)
    assert found["repeat_change"] == 0
    assert found["company_change"] > 0.05
    assert answering.repeated(Victim(linear, 0, Room(64)), samples.images, LINF)["company_change"] < 1e-4
