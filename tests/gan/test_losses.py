import math
from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from robustgan.gan import losses

LOGITS = torch.tensor([[2.0, -1.0], [0.5, 0.5], [-3.0, 4.0], [1.0, 7.0]])
LABELS = torch.tensor([0, 1, 1, 0])
EVEN = torch.ones(2)


def test_margin_is_right_minus_best_other() -> None:
    assert losses.margin(LOGITS, LABELS).tolist() == [3.0, 0.0, 7.0, -6.0]
    three = torch.tensor([[1.0, 5.0, 2.0], [9.0, 5.0, 2.0]])
    assert losses.margin(three, torch.tensor([1, 2])).tolist() == [3.0, -7.0]


def test_fooling_without_kappa_is_log_2_on_the_boundary_and_small_beyond() -> None:
    def of(margin: float, kappa: float) -> float:
        return float(losses.fooling(torch.tensor([[margin, 0.0]]), torch.tensor([0]), EVEN, kappa))

    assert of(0.0, 0.0) == pytest.approx(math.log(2))
    assert of(-5.0, 5.0) == pytest.approx(math.log(2))  # kappa moves the boundary
    assert of(-30.0, 5.0) < 1e-9
    assert of(100.0, 0.0) == pytest.approx(100.0)  # linear where the classifier is sure: the gradient never vanishes


def test_for_two_classes_fooling_is_the_cross_entropy_of_the_other_label() -> None:
    expected = functional.cross_entropy(LOGITS, 1 - LABELS)
    assert losses.fooling(LOGITS, LABELS, EVEN, 0.0) == pytest.approx(float(expected), rel=1e-6)


def test_balance_gives_each_class_the_same_weight_and_the_mean_image_one() -> None:
    labels = torch.tensor([0] * 6 + [1] * 2)
    weights = losses.balance(labels)
    assert (weights * torch.bincount(labels)).tolist() == [4.0, 4.0]
    assert float(weights[labels].mean()) == 1.0
    assert losses.balance(torch.tensor([1, 1, 1])).tolist() == [
        0.0,
        1.0,
    ]  # a class without images has no weight


def test_the_mean_over_batches_is_the_loss_of_the_whole_whatever_their_size() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(23, 2, generator=generator) * 4, torch.arange(23) % 3 % 2
    delta, parts = (
        torch.randn(23, 3, 8, 8, generator=generator),
        torch.randn(23, 1, 2, 2, generator=generator),
    )
    weights = losses.balance(labels)
    cases: list[Callable[[torch.Tensor], torch.Tensor]] = [
        lambda i: losses.fooling(logits[i], labels[i], weights, 1.0),
        lambda i: losses.hinge(delta[i], 13.5),
        lambda i: losses.total_variation(delta[i]),
        lambda i: losses.realism(parts[i]),
        lambda i: losses.discriminator(parts[i], -parts[i]),
    ]
    rows = torch.arange(23)
    for loss in cases:
        for size in (1, 7, 23):
            mean = sum(float(loss(i)) * len(i) for i in torch.split(rows, size)) / 23
            assert mean == pytest.approx(float(loss(rows)), rel=1e-5)


def test_least_squares() -> None:
    one, zero = torch.ones(2, 1, 3, 3), torch.zeros(2, 1, 3, 3)
    assert float(losses.discriminator(one, zero)) == 0.0
    assert float(losses.discriminator(zero, one)) == 1.0
    assert float(losses.discriminator(zero + 0.5, zero + 0.5)) == 0.25  # it cannot tell them apart
    assert float(losses.realism(one)) == 0.0
    assert float(losses.realism(zero)) == 1.0


def test_hinge_charges_the_length_beyond_the_radius_and_nothing_inside() -> None:
    delta = torch.zeros(2, 3, 4, 4)
    delta[0, 0, 0, 0], delta[1, 0, 0, 0], delta[1, 2, 3, 3] = 1.0, 3.0, 4.0  # lengths 1 and 5
    assert float(losses.hinge(delta, 2.0)) == 1.5
    assert float(losses.hinge(delta, 5.0)) == 0.0


def test_total_variation_of_a_plane_and_of_stripes() -> None:
    assert float(losses.total_variation(torch.full((2, 3, 4, 4), 0.7))) == 0.0
    stripes = torch.zeros(1, 3, 4, 4)
    stripes[..., ::2] = 0.5
    assert float(losses.total_variation(stripes)) == 0.5


def test_the_papers_margin_is_cut_at_minus_kappa_and_weighs_images_alike() -> None:
    assert float(losses.margin_hinge(LOGITS, LABELS, 0.0)) == pytest.approx((3 + 0 + 7 + 0) / 4)
    assert float(losses.margin_hinge(LOGITS, LABELS, 2.0)) == pytest.approx((3 + 0 + 7 - 2) / 4)


def test_likeness_is_a_weighted_cosine_of_whole_feature_maps() -> None:
    one = torch.zeros(3, 2, 2, 2)
    one[:, 0, 0, 0] = 1.0
    other = torch.stack([one[0], -3 * one[0], one[0].roll(1, -1)])  # the same, turned around, at a right angle
    assert float(losses.likeness(other, one, torch.ones(3))) == 0.0
    assert float(losses.likeness(other, one, torch.tensor([1.0, 0.5, 1.0]))) == pytest.approx(0.5 / 3)
