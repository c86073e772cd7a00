import pytest
import torch

from robustgan import augment

SYMMETRIES = [(turns, mirror) for turns in range(4) for mirror in (False, True)]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def turned(x: torch.Tensor, turns: int, mirror: bool) -> torch.Tensor:
    x = x.rot90(turns, (-2, -1))
    return x.flip(-1) if mirror else x


def test_dihedral_gives_each_of_the_eight_symmetries_about_as_often() -> None:
    x = torch.rand(1, 3, 5, 5, generator=rng(1)).expand(1600, 3, 5, 5)
    out = augment.dihedral(x, rng())
    counts = [sum(torch.equal(image, turned(x[0], *s)) for image in out) for s in SYMMETRIES]
    assert sum(counts) == 1600
    assert min(counts) > 140  # 200 expected, standard deviation 13


def test_dihedral_keeps_the_shape_of_images_that_are_not_square() -> None:
    x = torch.rand(16, 3, 4, 6, generator=rng(1))
    out = augment.dihedral(x, rng())
    assert out.shape == x.shape
    assert torch.equal(out.sum((2, 3)).sort().values, x.sum((2, 3)).sort().values) or torch.allclose(
        out.sum((2, 3)), x.sum((2, 3))
    )


def test_the_same_generator_state_gives_the_same_images() -> None:
    x = torch.rand(4, 3, 8, 8, generator=rng(1))
    assert torch.equal(augment.dihedral(x, rng(5)), augment.dihedral(x, rng(5)))
    assert torch.equal(augment.stain(x, 0.1, rng(5)), augment.stain(x, 0.1, rng(5)))
    assert not torch.equal(augment.stain(x, 0.1, rng(5)), augment.stain(x, 0.1, rng(6)))


def test_no_strength_changes_nothing() -> None:
    x = torch.rand(4, 3, 8, 8, generator=rng(1)).clamp_min(augment.DARKEST)
    torch.testing.assert_close(augment.stain(x, 0.0, rng()), x, atol=1e-5, rtol=1e-5)


def test_stain_moves_the_densities_of_the_three_stains_within_its_strength() -> None:
    basis = torch.tensor(augment.HED)
    basis = basis / basis.norm(dim=1, keepdim=True)
    amounts = 0.15 + 0.2 * torch.rand(256, 3, 4, 4, generator=rng(1))  # of each stain; far from white and black
    x = 10 ** -torch.einsum("nshw,sc->nchw", amounts, basis)
    seen = -augment.stain(x, 0.05, rng()).log10()
    after = torch.einsum("nchw,cs->nshw", seen, torch.linalg.inv(basis))
    # Each stain of each image moved by one line a * s + b: two pixels give a and b, the others must agree.
    flat, moved = amounts.flatten(2), after.flatten(2)
    low, high = flat.argmin(2, keepdim=True), flat.argmax(2, keepdim=True)
    a = (moved.gather(2, high) - moved.gather(2, low)) / (flat.gather(2, high) - flat.gather(2, low))
    b = moved.gather(2, low) - a * flat.gather(2, low)
    torch.testing.assert_close(moved, a * flat + b, atol=1e-4, rtol=0)
    assert (a - 1).abs().max() <= 0.0502
    assert b.abs().max() <= 0.0502
    assert (a - 1).abs().max() > 0.045  # the whole range is used
    assert b.abs().max() > 0.045


def test_stain_stays_in_range_on_white_and_black() -> None:
    x = torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)]).repeat(32, 1, 1, 1)
    out = augment.stain(x, 1.0, rng())
    assert out.min() >= 0
    assert out.max() <= 1


@pytest.mark.parametrize("strength", [0.0, 0.05, 0.2])
def test_gradients_pass_and_are_finite(strength: float) -> None:
    x = torch.rand(4, 3, 8, 8, generator=rng(1))
    x[0] = 0
    x.requires_grad_()
    augment.stain(augment.dihedral(x, rng()), strength, rng()).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert (x.grad[1:] != 0).float().mean() > 0.8  # white that became whiter is cut off


def test_half_precision_around_it_does_not_coarsen_colours() -> None:
    x = torch.rand(4, 3, 8, 8, generator=rng(1))
    with torch.autocast("cpu", torch.bfloat16):
        inside = augment.stain(x, 0.05, rng())
    assert torch.equal(inside, augment.stain(x, 0.05, rng()))
