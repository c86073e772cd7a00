"""Two threads, the same bytes: what a scattered sum would spoil."""

import torch

from robustgan import repeatable


def test_a_scattered_gradient_is_the_same_each_time_on_two_threads() -> None:
    generator = torch.Generator().manual_seed(0)
    place = torch.randint(0, 7, (200_000,), generator=generator)
    value = torch.randn(200_000, generator=generator)
    threads, before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    try:
        repeatable.enforce("cpu", 2)
        assert torch.get_num_threads() == 2
        assert torch.are_deterministic_algorithms_enabled()
        sums = [torch.zeros(7).index_put_((place,), value, accumulate=True) for _ in range(5)]
        assert all(torch.equal(sums[0], other) for other in sums)
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(before)


def test_float32_is_float32() -> None:
    before = torch.backends.cudnn.allow_tf32, torch.are_deterministic_algorithms_enabled()
    try:
        torch.backends.cudnn.allow_tf32 = True
        repeatable.enforce("cpu", torch.get_num_threads())
        assert not torch.backends.cudnn.allow_tf32
    finally:
        torch.backends.cudnn.allow_tf32 = before[0]
        torch.use_deterministic_algorithms(before[1])
