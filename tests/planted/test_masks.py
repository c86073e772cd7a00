"""A linear classifier whose robust images are counted in closed form, and three masks that change no decision.

Gradient attacks call hundreds of fallen images robust behind them, while AutoAttack's own warnings stay silent.
"""

from functools import cache

import pandas as pd
import pytest
import torch

from robustgan import strength
from robustgan.interfaces import Samples
from tests.conftest import Linear, samples_of
from tests.planted import zoo
from tests.planted.evidence import checked, failing, probed

IMAGES = 400
EPS = 5 / 255  # whole grey levels: what is judged are 8-bit images
SQUARE = 289  # images of 400 that Square-1000 leaves of a masked classifier like this one, of which 178 are robust

MASKS = {
    "logits x 10,000": zoo.Saturated,
    "gradient killed": zoo.Killed,
    "8-bit rounding inside": zoo.EightBit,
}


@cache
def scene() -> tuple[Linear, Samples]:
    """Random weights; images are moved away from the boundary until about 178 of 400 are robust."""
    rng = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 16, 16, generator=rng) / 8
    network = Linear(weight, bias=-float(0.5 * weight.sum())).eval()
    images = torch.rand(IMAGES, 3, 16, 16, generator=rng) * 0.6 + 0.2
    images += torch.randn(IMAGES, generator=rng).view(-1, 1, 1, 1) * 0.0245 * weight.sign()
    eight = (images * 255).round().clamp(0, 255).to(torch.uint8)
    with torch.no_grad():
        labels = network(eight.float() / 255).argmax(1)
    return network, samples_of(eight, labels)


def truth() -> int:
    """How many images no change of at most 5 levels turns: all pixels go against the label as far as they can."""
    network, some = scene()
    x = some.images.float() / 255
    against = (1 - 2 * some.labels).view(-1, 1, 1, 1) * network.weight.detach()
    worst = (x + EPS * against.sign()).clamp(0, 1)
    with torch.no_grad():
        return int((network(worst).argmax(1) == some.labels).sum())


@cache
def evidence(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    network, some = scene()
    rows, facts = probed(MASKS[name](network) if name else network, some, IMAGES, EPS)
    return rows, checked(rows, facts)


def left(rows: pd.DataFrame, probe: str) -> int:
    """How many images one probe leaves."""
    some = rows[rows["probe"] == probe]
    return int((~(some["pred"] != some["label"]).groupby(some["image_id"]).any()).sum())


def test_without_a_mask_the_count_is_exact_and_no_check_fails() -> None:
    rows, frame = evidence("")
    assert 150 < truth() < 210
    assert strength.robust(rows) == (truth(), IMAGES)
    assert left(rows, "iterations") == truth()
    assert not failing(frame)
    assert strength.verdict(frame.reset_index()).strong


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_flagged_and_hides_little(name: str) -> None:
    rows, frame = evidence(name)
    assert failing(frame)
    assert not strength.verdict(frame.reset_index()).strong
    count, n = strength.robust(rows)
    assert n == IMAGES
    assert truth() <= count <= min(SQUARE, left(rows, "black-box"))


@pytest.mark.parametrize("name", ["gradient killed", "8-bit rounding inside"])
def test_gradient_attacks_alone_would_have_called_it_robust(name: str) -> None:
    rows, frame = evidence(name)
    assert left(rows, "iterations") > truth() + 150
    assert failing(frame) >= {"zero gradients", "gradient agreement", "black-box", "transfer"}
