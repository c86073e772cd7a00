import math

import pytest

from robustgan.gan import monitor

HEALTHY = [0.6 + 0.3 * math.sin(i) for i in range(400)]
APART = [1.0] * 400


def test_a_healthy_series_is_left_alone() -> None:
    assert monitor.on_losses(HEALTHY, APART, 300) is None
    assert monitor.on_variety({"benign": 0.9}, {"benign": 1.0}) is None
    assert monitor.on_distance(1.0, 50.0) is None


def test_a_discriminator_that_wins_half_of_the_time_is_saturated() -> None:
    losses = [*HEALTHY[:150], *[0.01] * 150]
    found = monitor.on_losses(losses, APART[:300], 300)
    assert found is not None
    assert found.rule == "D_SATURATED"
    assert monitor.on_losses([*HEALTHY[:151], *[0.01] * 149], APART[:300], 300) is None


def test_only_the_window_counts() -> None:
    early = [*[0.01] * 300, *HEALTHY[:300]]
    assert monitor.on_losses(early, [1.0] * 600, 300) is None
    assert monitor.on_losses([0.01] * 299, [1.0] * 299, 300) is None


def test_a_discriminator_at_chance_is_dead_unless_it_still_tells_them_apart() -> None:
    chance = [2.0 + 0.01 * (-1) ** i for i in range(300)]
    found = monitor.on_losses(chance, [0.01] * 300, 300)
    assert found is not None
    assert found.rule == "D_DEAD"
    assert monitor.on_losses(chance, [*[0.01] * 299, 0.5], 300) is None
    assert monitor.on_losses([*chance[:299], 1.5], [0.01] * 300, 300) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_found_at_once(bad: float) -> None:
    found = monitor.on_losses([0.5, bad], [1.0, 1.0], 300)
    assert found is not None
    assert found.rule == "NONFINITE"


def test_collapse_is_judged_a_label_at_a_time_and_named() -> None:
    found = monitor.on_variety({"benign 40X": 1.0, "malignant 40X": 0.29}, {"benign 40X": 1.0, "malignant 40X": 1.0})
    assert found is not None
    assert found.rule == "COLLAPSED"
    assert "malignant 40X" in found.reason


def test_a_generator_as_far_away_as_an_untrained_one_has_learnt_nothing() -> None:
    found = monitor.on_distance(30.0, 50.0)
    assert found is not None
    assert found.rule == "UNTRAINED"


def test_the_window_is_five_percent_of_the_steps_and_at_least_300() -> None:
    assert monitor.window_of(500) == 300
    assert monitor.window_of(20_000) == 1000


def test_every_rule_that_can_be_found_can_be_kept_in_the_weights() -> None:
    assert monitor.RULES[0] == "ok"
    assert {"D_SATURATED", "D_DEAD", "NONFINITE", "COLLAPSED", "UNTRAINED"} <= set(monitor.RULES)
