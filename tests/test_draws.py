"""Random numbers belong to an image: they depend on its seed and on nothing else."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from robustgan.draws import normal, seed_of, uniform

parts = st.lists(st.one_of(st.integers(), st.text("ab,: 1", max_size=3)), min_size=1, max_size=4)


@given(parts, parts)
@settings(deadline=None)
def test_seeds_depend_on_every_part(one: list[object], other: list[object]) -> None:
    assert (seed_of(*one) == seed_of(*other)) == ([str(p) for p in one] == [str(p) for p in other])


def test_a_seed_is_63_bits_and_stays_what_it_was() -> None:
    """Another hash, or another order of the parts, would change every published table."""
    assert seed_of("perturb", "pgd", 0, "ab") == 4354122500985175823
    assert all(0 <= seed_of(i) < 2**63 for i in range(100))
    assert seed_of("a", "bc") != seed_of("ab", "c")


@pytest.mark.parametrize("draw", [uniform, normal])
def test_a_draw_ignores_the_batch_and_the_global_generator(draw: Callable[..., torch.Tensor]) -> None:
    seeds = [seed_of(i) for i in range(5)]
    whole = draw(seeds, (3, 4, 4))
    torch.manual_seed(1)
    assert torch.equal(torch.cat([draw([seed], (3, 4, 4)) for seed in seeds]), whole)
    assert torch.equal(draw(seeds[::-1], (3, 4, 4)), whole.flip(0))
    assert len({float(row.sum()) for row in whole}) == 5
    state = torch.get_rng_state()
    draw(seeds, (2,))
    assert torch.equal(torch.get_rng_state(), state)


def test_distributions() -> None:
    u, z = uniform([1, 2], (20_000,)), normal([1, 2], (20_000,))
    assert (u >= 0).all()
    assert (u < 1).all()
    assert float(u.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(u.var()) == pytest.approx(1 / 12, abs=0.003)
    assert float(z.mean()) == pytest.approx(0, abs=0.02)
    assert float(z.std()) == pytest.approx(1, abs=0.02)
    assert abs(float(torch.corrcoef(z)[0, 1])) < 0.03
