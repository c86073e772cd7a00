import torch

from robustgan.gan.diffaugment import GREY, cut_out, diffaugment, translate


def images(seed: int, n: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 0.4


def test_real_and_generated_images_get_the_same_changes() -> None:
    first, second = diffaugment(images(1), 7, 1.0), diffaugment(images(2), 7, 1.0)
    holes = [(x == GREY).all(1) for x in (first, second)]
    assert torch.equal(*holes)
    assert (holes[0].flatten(1).sum(1) == 64).all()
    same = images(1)
    assert torch.equal(diffaugment(same, 7, 0.5), diffaugment(same.clone(), 7, 0.5))


def test_another_seed_draws_other_changes() -> None:
    x = images(1)
    assert not torch.equal(diffaugment(x, 7, 1.0), diffaugment(x, 8, 1.0))


def test_images_of_a_batch_get_changes_of_their_own() -> None:
    x = images(1, 1).expand(16, 3, 32, 32)
    assert len({image.numpy().tobytes() for image in diffaugment(x, 7, 1.0)}) == 16


def test_chance_zero_changes_nothing_and_values_stay_in_range() -> None:
    x = images(1)
    assert torch.equal(diffaugment(x, 7, 0.0), x)
    changed = diffaugment(x, 7, 1.0)
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_translation_moves_pixels_and_mirrors_the_edge() -> None:
    x = torch.arange(4.0).expand(1, 3, 4, 4)
    right = translate(x, torch.tensor([[0], [1]]))
    assert right[0, 0, 0].tolist() == [1.0, 0.0, 1.0, 2.0]
    left = translate(x, torch.tensor([[0], [-2]]))
    assert left[0, 0, 0].tolist() == [2.0, 3.0, 2.0, 1.0]
    assert torch.equal(translate(x, torch.tensor([[3], [0]])), x)


def test_a_corner_outside_the_image_leaves_it_whole() -> None:
    x = images(1, 2)
    out = cut_out(x, torch.tensor([[32, 4], [32, 5]]))
    assert torch.equal(out[0], x[0])
    assert (out[1, :, 4:12, 5:13] == GREY).all()
    assert int((out[1] == GREY).sum()) == 3 * 64


def test_gradients_reach_the_generator_except_through_the_hole() -> None:
    x = images(3).requires_grad_()
    (gradient,) = torch.autograd.grad(diffaugment(x, 7, 1.0).sum(), x)
    assert torch.isfinite(gradient).all()
    assert (gradient.flatten(1).abs().sum(1) > 0).all()
