"""NaN in an attack: the cell fails and says at which pass it came up."""

import math

import pytest
import torch
from torch import nn

from robustgan.attacks.pgd import PGD
from robustgan.errors import RunError
from robustgan.evaluation import judge
from robustgan.interfaces import Attack, Linf, Samples, State
from robustgan.nonfinite import first
from robustgan.tensors import Images, Labels, Network


class Breaks(nn.Module):
    """A classifier whose outputs are NaN from one pass on."""

    def __init__(self, network: nn.Module, at: int) -> None:
        super().__init__()
        self.network, self.at, self.passes = network, at, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        return self.network(x) * (math.nan if self.passes >= self.at else 1.0)


class Descent(Attack):
    """Goes down the gradient, whatever it is, and divides by zero at its third step where it is told to."""

    access = "white-box"
    threat: Linf
    divides: bool = False

    @property
    def label(self) -> str:
        return "descent"

    def perturb(self, model: Network, x: Images, y: Labels, state: State) -> Images:
        for step in range(5):
            x = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad(model(x).sum(), x)
            x = x + slope / (2 - step if self.divides else 1)
        return x.detach()


def test_the_message_names_the_pass(linear: nn.Module, samples: Samples) -> None:
    attack = Descent(threat=Linf(eps=0.1), divides=True)
    with pytest.raises(RunError, match=r"not finite \(the images of pass 4 through the classifier are not finite\)"):
        judge(attack, linear, nn.Identity(), samples, 0, 8)


def test_it_is_found_wherever_it_comes_up(linear: nn.Module, samples: Samples) -> None:
    x, y = samples.images.float() / 255, samples.labels
    state = State(nn.Identity(), torch.Generator(), tuple(range(len(samples))), [""] * len(samples))
    pgd = PGD(threat=Linf(eps=0.1), steps=5)
    assert first(lambda model: pgd.perturb(model, x, y, state), Breaks(linear, 3)).startswith("the outputs of pass 3 ")
    assert first(lambda model: model(x), linear).startswith("all 1 passes through the classifier are finite")
