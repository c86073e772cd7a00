import pytest
import torch
from torch import nn

from robustgan.gan.optimiser import adam


def test_off_the_gpu_it_is_torchs_own_adam_and_gives_its_bytes() -> None:
    weights = []
    for make in (lambda p: adam(p, (0.5, 0.999), 1e-2), lambda p: torch.optim.Adam(p.parameters(), 1e-2, (0.5, 0.999))):
        torch.manual_seed(0)
        network, x = nn.Linear(8, 8), torch.randn(4, 8)
        optimiser = make(network)
        for _ in range(3):
            optimiser.zero_grad()
            network(x).square().sum().backward()
            optimiser.step()
        weights.append(network.weight.detach())
    assert torch.equal(*weights)
    assert adam(nn.Linear(2, 2), (0.0, 0.9)).defaults["fused"] is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_one_kernel_moves_all_weights() -> None:
    assert adam(nn.Linear(2, 2).cuda(), (0.0, 0.9)).defaults["fused"]
