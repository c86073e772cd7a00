"""8 bits: inside the budget, nearest to what was asked for, and the same after a trip through a PNG."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from robustgan.evaluation import to_8_bit, to_float
from robustgan.interfaces import L2, Linf, Unrestricted
from robustgan.quantise import reach, writable

SIDE = 8
HABITS = settings(deadline=None, max_examples=150)

levels = st.integers(0, 255)
linf = st.one_of(st.integers(1, 40).map(lambda k: k / 255), st.floats(1e-4, 1)).map(lambda eps: Linf(eps=eps))
l2 = st.one_of(st.integers(1, 900).map(lambda k: k**0.5 / 255), st.floats(1e-3, 20)).map(lambda eps: L2(eps=eps))


@st.composite
def proposals(draw: st.DrawFn, threat: st.SearchStrategy[Linf | L2]) -> tuple[torch.Tensor, torch.Tensor, Linf | L2]:
    """Clean 8-bit images, proposed float images inside the budget, and the budget."""
    rng = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    budget, scale, power = draw(threat), draw(st.floats(0, 3)), draw(st.sampled_from([0, 1, 5]))
    clean = torch.randint(0, 256, (3, 3, SIDE, SIDE), generator=rng, dtype=torch.uint8)
    noise = torch.randn(3, 3, SIDE, SIDE, generator=rng)
    direction = noise.sign() * noise.abs() ** power  # from corners of the cube to a few large changes
    return clean, budget.project(to_float(clean), to_float(clean) + scale * budget.eps * direction), budget


def moved(clean: torch.Tensor, eight: torch.Tensor) -> torch.Tensor:
    """The change that was written, in levels."""
    return eight.double() - clean.double()


@HABITS
@given(proposals(st.one_of(linf, l2)))
def test_never_out_of_budget(case: tuple[torch.Tensor, torch.Tensor, Linf | L2]) -> None:
    clean, x_adv, threat = case
    change = moved(clean, to_8_bit(clean, x_adv, threat)) / 255
    assert float(threat.distance(torch.zeros_like(change), change).max()) <= threat.eps * (1 + 1e-6) + 1e-6


@HABITS
@given(proposals(st.one_of(linf, l2)))
def test_every_change_stays_within_one_level_and_keeps_its_sign(
    case: tuple[torch.Tensor, torch.Tensor, Linf | L2],
) -> None:
    clean, x_adv, threat = case
    asked, change = x_adv.double() * 255 - clean.double(), moved(clean, to_8_bit(clean, x_adv, threat))
    assert ((change - asked).abs() < 1 + 1e-3).all()
    assert (change * asked >= 0).all()
    assert (change[asked.abs() < 1e-3] == 0).all()
    if isinstance(threat, Linf):
        assert (change[asked.abs() < 0.499] == 0).all()


@HABITS
@given(proposals(st.one_of(linf, l2)))
def test_channels_take_the_nearest_level_until_the_budget_is_spent(
    case: tuple[torch.Tensor, torch.Tensor, Linf | L2],
) -> None:
    """Where channels stay below their nearest level, raising one of them would leave the budget."""
    clean, x_adv, threat = case
    asked, change = x_adv.double() * 255 - clean.double(), moved(clean, to_8_bit(clean, x_adv, threat))
    for wanted, written in zip(asked.flatten(1).abs(), change.flatten(1).abs(), strict=True):
        short = wanted - written > 0.5 + 1e-3
        if isinstance(threat, Linf):
            assert (written[short] + 1 > 255 * threat.eps).all()
        elif short.any():
            cost = 2 * written[short] + 1  # (c + 1)^2 - c^2
            assert cost.max() > (255 * threat.eps) ** 2 - written.square().sum()


@given(st.lists(levels, min_size=12, max_size=12), st.one_of(linf, l2))
@settings(deadline=None, max_examples=50)
def test_no_change_stays_no_change(values: list[int], threat: Linf | L2) -> None:
    clean = torch.tensor(values, dtype=torch.uint8).view(1, 3, 2, 2)
    for budget in (threat, Unrestricted()):
        assert torch.equal(to_8_bit(clean, to_float(clean), budget), clean)


@pytest.mark.parametrize("k", [1, 2, 8, 77])
def test_whole_levels_are_reached_exactly(k: int) -> None:
    """Truncation would lose one: 8/255 * 255 is 7.9999995 in float32."""
    clean = torch.arange(78, 128, dtype=torch.uint8).repeat(6).view(1, 3, 10, 10)
    threat = Linf(eps=k / 255)
    for sign in (1, -1):
        x_adv = threat.project(to_float(clean), to_float(clean) + sign * threat.eps)
        assert torch.equal(to_8_bit(clean, x_adv, threat).int(), clean.int() + sign * k)


@pytest.mark.parametrize("part", [0.9, 0.4])
@pytest.mark.parametrize("spare", [1.0, 1.05])
def test_an_l2_change_of_fractions_survives(part: float, spare: float) -> None:
    """A part of a level everywhere: cut down nothing is left, rounded it is too long or nothing.

    As many channels are written as make it as long as it was; beyond that only those that are nearer to a level.
    """
    clean = torch.full((1, 3, 16, 16), 100, dtype=torch.uint8)
    threat = L2(eps=spare * part * 768**0.5 / 255)
    change = moved(clean, to_8_bit(clean, (clean.float() + part) / 255, threat))
    written = (spare * part) ** 2 if part > 0.5 else part**2
    assert int(change.sum()) == pytest.approx(written * 768, abs=1)
    assert int(change.max()) == 1


@HABITS
@given(proposals(l2))
def test_l2_changes_keep_their_length(case: tuple[torch.Tensor, torch.Tensor, Linf | L2]) -> None:
    """No shorter than asked for by more than the cost of one level in the dearest channel."""
    clean, x_adv, threat = case
    asked, change = x_adv.double() * 255 - clean.double(), moved(clean, to_8_bit(clean, x_adv, threat))
    lost = asked.square().flatten(1).sum(1) - change.square().flatten(1).sum(1)
    assert (lost < 2 * asked.abs().flatten(1).amax(1) + 1 + 0.1).all()


@HABITS
@given(proposals(l2))
def test_an_image_does_not_depend_on_those_beside_it(case: tuple[torch.Tensor, torch.Tensor, Linf | L2]) -> None:
    clean, x_adv, threat = case
    many = to_8_bit(clean.repeat(7, 1, 1, 1), x_adv.repeat(7, 1, 1, 1), threat)  # more than are taken at once
    alone = torch.cat([to_8_bit(clean[i : i + 1], x_adv[i : i + 1], threat) for i in range(len(clean))])
    assert torch.equal(many, alone.repeat(7, 1, 1, 1))
    assert not len(to_8_bit(clean[:0], x_adv[:0], threat))


@pytest.mark.parametrize("eps", [0.4 / 255, 0.5 / 255, 0.99 / 255])
@pytest.mark.parametrize("kind", [Linf, L2])
def test_a_budget_below_one_level_writes_the_original(kind: type[Linf | L2], eps: float) -> None:
    clean = torch.randint(1, 255, (2, 3, SIDE, SIDE), dtype=torch.uint8)
    threat = kind(eps=eps)
    x_adv = threat.project(to_float(clean), to_float(clean) + torch.eye(SIDE) * eps)
    assert torch.equal(to_8_bit(clean, x_adv, threat), clean)
    assert not writable(threat)


def test_what_can_be_written() -> None:
    assert writable(Linf(eps=1 / 255))
    assert writable(L2(eps=1 / 255))
    assert writable(Unrestricted())
    assert reach(L2(eps=10)) == pytest.approx(10 + 1e-5)


@settings(deadline=None, max_examples=20)
@given(proposals(st.one_of(linf, l2)))
def test_a_png_brings_back_what_was_judged(case: tuple[torch.Tensor, torch.Tensor, Linf | L2]) -> None:
    clean, x_adv, threat = case
    for image in to_8_bit(clean, x_adv, threat):
        file = io.BytesIO()
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, format="png")
        again = np.asarray(Image.open(file))
        assert again.dtype == np.uint8
        assert torch.equal(torch.from_numpy(again.copy()).permute(2, 0, 1), image)


def test_unrestricted_images_take_the_nearest_level() -> None:
    clean = torch.zeros(1, 3, 1, 2, dtype=torch.uint8)
    x_adv = torch.tensor([[0.0, 1.0], [1.4 / 255, 1.6 / 255], [254.6 / 255, 0.4 / 255]]).view(1, 3, 1, 2)
    assert to_8_bit(clean, x_adv, Unrestricted()).flatten().tolist() == [0, 255, 1, 2, 255, 0]
