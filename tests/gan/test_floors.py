import torch

from robustgan.gan.floors import floor_of, halves


def test_no_patient_is_on_both_sides_and_sides_are_as_large_as_asked_for() -> None:
    codes = torch.arange(60) // 3
    rng = torch.Generator().manual_seed(0)
    for _ in range(20):
        first, second = halves(codes, 24, rng)
        assert len(first) == len(second) == 24
        assert not set(codes[first].tolist()) & set(codes[second].tolist())


def test_sides_are_smaller_where_patients_are_few_and_one_patient_has_no_floor() -> None:
    codes = torch.tensor([0] * 10 + [1] * 30)
    first, second = halves(codes, 24, torch.Generator().manual_seed(0))
    assert len(first) == len(second) == 10
    assert floor_of(torch.randn(40, 3), ["one"] * 40, 20) is None


def test_real_images_of_one_distribution_are_at_zero_on_average_and_below_the_upper_floor() -> None:
    rng = torch.Generator().manual_seed(1)
    real, groups = torch.randn(120, 5, generator=rng), [str(i) for i in range(120)]
    floor = floor_of(real, groups, 40)
    assert floor is not None
    assert abs(floor[0]) < floor[1] / 3
    assert floor[1] > 0
    assert floor_of(real, groups, 40) == floor


def test_what_sets_patients_apart_is_in_the_floor() -> None:
    rng = torch.Generator().manual_seed(1)
    stain = torch.randn(8, 5, generator=rng).repeat_interleave(15, 0)
    real = stain + 0.1 * torch.randn(120, 5, generator=rng)
    apart = floor_of(real, [str(i // 15) for i in range(120)], 40)
    mixed = floor_of(real, [str(i) for i in range(120)], 40)
    assert apart is not None
    assert mixed is not None
    assert apart[0] > 5 * abs(mixed[0])
    assert apart[1] > 2 * mixed[1]
