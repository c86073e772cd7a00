"""What may be folded is, what may not is left, and the sums are the same."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from robustgan.folding import folded, pairs

NUMBER = st.floats(-3, 3, width=32)
SPREAD = st.floats(1e-3, 9)


def shaken(model: nn.Module, seed: int = 0) -> nn.Module:
    """Norms with statistics and weights of their own, as after a training; in eval mode."""
    rng = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn(module.num_features, generator=rng) / 2
            module.running_var = 0.3 + 2 * torch.rand(module.num_features, generator=rng)
            if module.affine:
                module.weight.data = 0.5 + torch.rand(module.num_features, generator=rng)
                module.bias.data = torch.randn(module.num_features, generator=rng) / 3
    return model.eval().requires_grad_(False)


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NUMBER, SPREAD, NUMBER, NUMBER), min_size=4, max_size=4), st.booleans(), st.booleans())
def test_sums_are_the_same_for_any_statistics(
    rows: list[tuple[float, float, float, float]], bias: bool, affine: bool
) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, bias=bias), nn.BatchNorm2d(4, affine=affine)).eval()
    means, spreads, weights, biases = (torch.tensor(part) for part in zip(*rows, strict=True))
    model[1].running_mean, model[1].running_var = means, spreads
    if affine:
        model[1].weight.data, model[1].bias.data = weights, biases
    found = folded(model)
    assert found is not None
    assert norms(found) == 0
    x = torch.rand(2, 3, 8, 8)
    wanted = model(x).detach()
    torch.testing.assert_close(found(x), wanted, atol=1e-5 * max(1.0, float(wanted.abs().max())), rtol=0)


def test_activations_of_timms_norms_stay() -> None:
    from timm.layers import BatchNormAct2d

    model = shaken(nn.Sequential(nn.Conv2d(3, 4, 3), BatchNormAct2d(4)))
    found = folded(model)
    x = torch.rand(2, 3, 8, 8)
    assert (model(x) == 0).any(), "the activation cuts something off"
    torch.testing.assert_close(found(x), model(x))  # type: ignore[misc]
    assert norms(model) == 1, "the original keeps its norm"


class Once(nn.Module):
    """One convolution and a norm; a subclass says how they are joined."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x))


class Skip(Once):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sums = self.conv(x)
        return self.norm(sums) + sums


class Twice(Once):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(self.norm(self.conv(x))))


class After(Once):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(self.norm(x))


class Between(Once):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x).relu())


class Branches(Once):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sums = self.conv(x)
        return self.norm(sums) if sums.mean() > 0 else sums


class Hooked(Once):
    def __init__(self) -> None:
        super().__init__()
        self.conv.register_forward_hook(lambda module, given, found: found * 2)


class Weighted(Once):
    def __init__(self) -> None:
        super().__init__()
        nn.utils.parametrizations.weight_norm(self.conv)


class OfTheBatch(Once):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, track_running_stats=False)


class Squared(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).square()


class Own(Once):
    def __init__(self) -> None:
        super().__init__()
        self.conv = Squared(3, 3, 3, padding=1)


@pytest.mark.parametrize("kind", [Skip, Twice, After, Between, Branches, Hooked, Weighted, OfTheBatch, Own])
def test_what_cannot_be_folded_exactly_is_left(kind: type[Once]) -> None:
    assert folded(kind().eval()) is None


def test_norms_in_training_mode_are_left() -> None:
    assert folded(Once().train()) is None


def test_shared_layers_are_left() -> None:
    conv = nn.Conv2d(3, 3, 3, padding=1)
    assert list(pairs(nn.Sequential(conv, nn.BatchNorm2d(3), conv, nn.BatchNorm2d(3)).eval())) == []


class Wrapped(nn.Module):
    """Code that cannot be traced around code that can."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) if x.amax() > 0 else x


def test_parts_of_what_cannot_be_traced_are_folded() -> None:
    model = shaken(Wrapped(nn.Sequential(Once(), Skip())))
    assert list(pairs(model)) == [("inner.0.conv", "inner.0.norm")]
    x = torch.rand(2, 3, 8, 8)
    found = folded(model)
    assert found is not None
    torch.testing.assert_close(found(x), model(x))
