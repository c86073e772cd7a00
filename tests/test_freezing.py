"""Frozen models: eval mode, no parameter gradients, and a proof that nothing changed."""

import pytest
import torch
from torch import nn

from robustgan.errors import RunError
from robustgan.evaluation import frozen, weights_digest


class Counting(nn.Module):
    """Keeps a number that is never saved with the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(2, 2), nn.BatchNorm1d(2)
        self.register_buffer("calls", torch.zeros((), dtype=torch.long), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.norm(self.linear(x))
        return found


def test_frozen_is_eval_without_gradients_and_gives_everything_back() -> None:
    model = Counting().train()
    model.norm.eval()
    model.linear.bias.requires_grad_(False)
    with frozen(model) as held:
        assert held is model
        assert not any(module.training for module in model.modules())
        assert not any(p.requires_grad for p in model.parameters())
        model(torch.rand(4, 2))
    assert [module.training for module in model.modules()] == [True, True, False]
    assert model.linear.weight.requires_grad
    assert not model.linear.bias.requires_grad


@pytest.mark.parametrize("where", ["linear.weight", "norm.running_mean", "norm.num_batches_tracked", "calls"])
def test_any_change_is_found(where: str) -> None:
    model = Counting()
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with pytest.raises(RunError, match="Counting changed"), frozen(model):
        tensors[where].data.add_(1)


def test_batch_norm_that_learns_is_found() -> None:
    model = Counting()
    with pytest.raises(RunError, match="Counting changed"), frozen(model):
        model.train()(torch.rand(8, 2))


def test_an_error_inside_is_not_hidden_and_modes_come_back() -> None:
    model = Counting().train()
    with pytest.raises(ZeroDivisionError), frozen(model):
        model.linear.weight.data.fill_(1 / 0)
    assert all(module.training for module in model.modules())


def test_digest_sees_names_shapes_types_and_bytes() -> None:
    def digest(**tensors: torch.Tensor) -> str:
        module = nn.Module()
        for name, value in tensors.items():
            module.register_buffer(name, value)
        return weights_digest(module)

    one = torch.tensor([1.0, 2.0])
    others = [
        digest(a=one), digest(b=one), digest(a=one.view(2, 1)), digest(a=one.view(torch.int32)),
        digest(a=torch.tensor([1.0, 2.0000002])), digest(a=one.bool()), digest(a=torch.tensor(1.0)), digest(),
    ]  # fmt: skip
    assert len(set(others)) == len(others)
    assert digest(a=one) == digest(a=one.clone())
    assert digest(a=torch.ones(2, 3).t()) == digest(a=torch.ones(3, 2)), "bytes in the order of the indices"
