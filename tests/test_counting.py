import pytest
import torch

from robustgan.counting import Counted, focus
from tests.conftest import Linear


def test_gradients_are_withheld_and_forwards_counted(linear: Linear) -> None:
    x = torch.rand(5, 3, 16, 16, requires_grad=True)
    open_, closed = Counted(linear, gradients=True, images=5), Counted(linear, gradients=False, images=5)
    assert open_(x).requires_grad
    assert not closed(x).requires_grad
    closed(x.repeat(2, 1, 1, 1))
    assert open_.forwards.tolist() == [1] * 5
    assert closed.forwards.tolist() == [3] * 5
    assert not open_.backwards.any()
    assert torch.equal(open_(x), closed(x))


def test_gradients_are_counted_when_they_are_taken(linear: Linear) -> None:
    counted = Counted(linear, gradients=True, images=4)
    x = torch.rand(4, 3, 16, 16, requires_grad=True)
    torch.autograd.grad(counted(x).sum(), x)
    with focus(counted, torch.tensor([1, 3])):
        part = x[[1, 3]].detach().requires_grad_()
        torch.autograd.grad(counted(part).sum(), part)
        with focus(counted, torch.tensor([1])):
            counted(part[1:])
    assert counted.forwards.tolist() == [1, 2, 1, 3]
    assert counted.backwards.tolist() == [1, 2, 1, 2]


def test_focus_ends_where_an_attack_fails(linear: Linear) -> None:
    counted = Counted(linear, gradients=True, images=3)
    with pytest.raises(ZeroDivisionError), focus(counted, torch.tensor([0])):
        raise ZeroDivisionError
    counted(torch.rand(3, 3, 16, 16))
    assert counted.forwards.tolist() == [1, 1, 1]
