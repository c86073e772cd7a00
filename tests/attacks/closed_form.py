"""Linear models, for which the worst case in a budget, and with it the number of robust images, is known."""

from dataclasses import dataclass

import torch
from torch import nn

from robustgan.attacks._margin import margin
from robustgan.attacks._siege import Siege
from robustgan.interfaces import Attack, Linf, Samples, State
from tests.conftest import Linear, samples_of

LINF = Linf(eps=5 / 255)  # whole grey levels: the worst case can be written
SIZE = 16


@dataclass
class Case:
    """400 images that a linear model gets right, some of them within reach of an attack."""

    model: Linear
    samples: Samples

    @property
    def x(self) -> torch.Tensor:
        return self.samples.images.float() / 255

    @property
    def towards(self) -> torch.Tensor:
        """Direction in which the wrong class gains: plus or minus the weights."""
        return (1 - 2 * self.samples.labels).view(-1, 1, 1, 1) * self.model.weight.detach()

    def clean_margin(self) -> torch.Tensor:
        return margin(self.model(self.x), self.samples.labels).detach()

    def worst_linf(self, eps: float) -> torch.Tensor:
        """Highest margin in the budget and in [0, 1]: every channel goes as far as it can, on its own."""
        room = torch.where(self.towards > 0, 1 - self.x, self.x).clamp_max(eps)
        return self.clean_margin() + (self.towards.abs() * room).double().flatten(1).sum(1).float()


def planted() -> Case:
    rng = torch.Generator().manual_seed(11)
    weight = torch.randn(3, SIZE, SIZE, generator=rng) / 30
    images = torch.randint(0, 256, (600, 3, SIZE, SIZE), generator=rng, dtype=torch.uint8)
    images[:, :, :4] = torch.randint(0, 2, (600, 3, 4, SIZE), generator=rng, dtype=torch.uint8) * 255  # [0, 1] binds
    model = Linear(weight, bias=-float((images.float() / 255 * weight).flatten(1).sum(1).median())).eval()
    labels = model(images.float() / 255).argmax(1)
    everything = Case(model, samples_of(images, labels))
    # Within 1e-3 of the border another order of additions could decide; no image is left there.
    clear = everything.worst_linf(LINF.eps).abs() > 1e-3
    kept = clear.nonzero().flatten()[:400]
    assert len(kept) == 400
    return Case(model, samples_of(images[kept], labels[kept]))


class Planes(nn.Module):
    """k linear logits: each wrong class has a worst case of its own, and the nearest one decides."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(
            torch.randn(classes, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(classes)) / 30
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("nchw,kchw->nk", x - 0.5, self.weight)

    def worst(self, x: torch.Tensor, y: torch.Tensor, eps: float) -> torch.Tensor:
        """Highest lead of any wrong class in the Linf budget and in [0, 1]."""
        apart = (self.weight[None] - self.weight[y][:, None]).detach().double()
        wide = x[:, None].double()
        room = torch.where(apart > 0, 1 - wide, wide).clamp_max(eps)
        gain = ((wide - 0.5) * apart + apart.abs() * room).flatten(2).sum(2)
        return gain.scatter(1, y[:, None], -torch.inf).amax(1)


def planes(classes: int, eps: float = 2 / 255) -> tuple[Siege, torch.Tensor]:
    """120 images that a k-class model gets right, and which of them are robust."""
    model = Planes(classes).eval().requires_grad_(False)
    rng = torch.Generator().manual_seed(5)
    x = torch.randint(0, 256, (140, 3, SIZE, SIZE), generator=rng).float() / 255
    y = model(x).argmax(1)
    worst = model.worst(x, y, eps)
    kept = (worst.abs() > 1e-3).nonzero().flatten()[:120]
    siege = Siege(model, x[kept], y[kept], Linf(eps=eps), tuple(range(120)), classes)
    return siege, worst[kept] < 0


def state(n: int) -> State:
    return State(torch.nn.Identity(), torch.Generator(), tuple(range(n)))


def attacked(attack: Attack, model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Margins of the attack's own float images, brought into the budget."""
    x_adv = attack.threat.project(x, attack.perturb(model, x, y, state(len(x))))
    return margin(model(x_adv), y).detach()
