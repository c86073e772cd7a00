import math

import pytest

from robustgan.gan import monitor
from robustgan.gan.monitor import Finding, Opinion, Scale
from robustgan.gan.recipe import Watch

WATCH, HINGE = Watch(), Scale()
HEALTHY = [0.6 + 0.3 * math.sin(i) for i in range(400)]
APART = [1.0] * 400


def losses(values: list[float], gaps: list[float], scale: Scale = HINGE, watch: Watch = WATCH) -> Finding | None:
    return monitor.on_losses(values, gaps, 300, watch, scale)


def rule(found: Finding | None) -> str:
    return found.rule if found else "silent"


def test_a_healthy_training_is_left_alone() -> None:
    assert losses(HEALTHY, APART) is None
    assert monitor.on_gradients([1.0, 20.0] * 200, 300, WATCH) is None
    assert monitor.on_fit(0.6, Opinion(1.0, 0.8, -1.0), WATCH) is None
    assert monitor.on_distances([[9.0, 0.5], [4.0, 0.3], [3.0, 0.2], [3.4, 0.2], [2.0, 0.2]], WATCH) is None
    assert monitor.on_recalls({"benign": [0.1, 0.4, 0.6, 0.5]}, {"benign": 60}, WATCH) is None
    assert monitor.on_coverage({"benign": 0.3}, {"benign": 0.9}, {"benign": 60}, WATCH) is None
    assert monitor.on_variety({"benign": 0.9}, {"benign": 1.0}, WATCH) is None
    assert monitor.on_twins({"benign": 0.02}, {"benign": 0.0}, WATCH) is None
    assert monitor.on_distance(1.0, 50.0, WATCH) is None
    assert monitor.on_copies(0.5, 0.01, WATCH) is None
    assert monitor.on_labels({"benign": 0.8}, {"benign": 0.9}, WATCH) is None
    assert monitor.on_grid(0.4, WATCH) is None


def test_a_discriminator_that_wins_half_of_the_time_is_saturated() -> None:
    assert rule(losses([*HEALTHY[:150], *[0.01] * 150], APART[:300])) == "D_SATURATED"
    assert losses([*HEALTHY[:151], *[0.01] * 149], APART[:300]) is None


def test_smoothed_and_noisy_labels_move_the_floor_of_saturation_and_the_level_of_chance() -> None:
    smoothed = Scale(0.33, 1.38)
    wiggle = [0.34 + 0.01 * (i % 2) for i in range(300)]
    assert rule(losses(wiggle, APART[:300], smoothed)) == "D_SATURATED"
    assert losses(wiggle, APART[:300]) is None
    assert rule(losses([1.38 + 0.001 * (i % 2) for i in range(300)], [0.0] * 300, smoothed)) == "D_DEAD"


def test_only_the_window_counts() -> None:
    assert losses([*[0.01] * 300, *HEALTHY[:300]], [1.0] * 600) is None
    assert losses([0.01] * 299, [1.0] * 299) is None


def test_a_discriminator_at_chance_is_dead_unless_it_still_tells_them_apart() -> None:
    chance = [2.0 + 0.01 * (-1) ** i for i in range(300)]
    assert rule(losses(chance, [0.01] * 300)) == "D_DEAD"
    assert losses(chance, [*[0.01] * 299, 0.5]) is None
    assert losses([*chance[:299], 1.5], [0.01] * 300) is None


def test_a_loss_that_does_not_move_is_stuck() -> None:
    assert rule(losses([*HEALTHY[:100], *[0.7] * 300], APART)) == "STUCK"
    assert losses([*[0.7] * 299, 0.70001], APART[:300]) is None
    assert losses([0.7] * 299, APART[:299]) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_found_at_once(bad: float) -> None:
    assert rule(losses([0.5, bad], [1.0, 1.0])) == "NONFINITE"


def test_gradients_that_explode_too_often_are_found() -> None:
    assert rule(monitor.on_gradients([*[1.0] * 269, *[101.0] * 31], 300, WATCH)) == "GRAD"
    assert monitor.on_gradients([*[1.0] * 270, *[101.0] * 30], 300, WATCH) is None


def test_a_discriminator_that_knows_its_images_by_heart_is_overfitted() -> None:
    assert rule(monitor.on_fit(0.95, Opinion(1.0, 0.9, -1.0), WATCH)) == "OVERFIT"
    assert rule(monitor.on_fit(0.5, Opinion(1.0, -0.1, -1.0), WATCH)) == "OVERFIT"
    assert monitor.on_fit(0.5, Opinion(-1.0, -2.0, 1.0), WATCH) is None  # it does not know generated images


def test_a_distance_that_grows_at_two_looks_is_a_regress() -> None:
    assert rule(monitor.on_distances([[5.0, 0.1], [1.0, 0.1], [1.8, 0.1], [1.9, 0.1]], WATCH)) == "REGRESSED"
    assert monitor.on_distances([[1.0, 0.1], [1.8, 0.1], [1.2, 0.1], [1.9, 0.1]], WATCH) is None
    assert monitor.on_distances([[1.0, 0.3], [1.8, 0.3], [1.9, 0.3]], WATCH) is None  # within two standard deviations


def test_lost_recall_is_judged_a_label_at_a_time_and_named() -> None:
    series = {"benign": [0.5, 0.6, 0.6], "malignant": [0.6, 0.2, 0.2]}
    found = monitor.on_recalls(series, {"benign": 60, "malignant": 60}, WATCH)
    assert rule(found) == "COLLAPSED"
    assert found is not None
    assert "malignant" in found.reason
    assert monitor.on_recalls(series, {"benign": 16, "malignant": 16}, WATCH) is None  # too few images to be sure


def test_a_label_that_was_never_covered_is_collapsed_where_images_are_enough_to_say_so() -> None:
    made, real, images = {"benign": 0.5, "malignant": 0.08}, {"benign": 0.9, "malignant": 0.9}, {"benign": 60}
    found = monitor.on_coverage(made, real, {**images, "malignant": 50}, WATCH)
    assert rule(found) == "COLLAPSED"
    assert found is not None
    assert "malignant" in found.reason
    assert monitor.on_coverage(made, real, {**images, "malignant": 49}, WATCH) is None
    assert monitor.on_coverage({**made, "malignant": 0.1}, real, {**images, "malignant": 50}, WATCH) is None


def test_labels_are_not_averaged_by_the_probe() -> None:
    found = monitor.on_labels({"benign": 1.0, "malignant": 0.5}, {"benign": 0.9, "malignant": 0.9}, WATCH)
    assert rule(found) == "LABEL_LEAK"
    assert found is not None
    assert "malignant" in found.reason


def test_collapse_is_judged_a_label_at_a_time_and_named() -> None:
    made, real = {"benign 40X": 1.0, "malignant 40X": 0.29}, {"benign 40X": 1.0, "malignant 40X": 1.0}
    found = monitor.on_variety(made, real, WATCH)
    assert rule(found) == "COLLAPSED"
    assert found is not None
    assert "malignant 40X" in found.reason
    assert rule(monitor.on_twins({"benign": 0.1}, {"benign": 0.02}, WATCH)) == "COLLAPSED"


def test_a_generator_as_far_away_as_an_untrained_one_has_learnt_nothing() -> None:
    assert rule(monitor.on_distance(30.0, 50.0, WATCH)) == "UNTRAINED"


def test_copies_need_both_signs() -> None:
    assert rule(monitor.on_copies(-5.0, 0.2, WATCH)) == "MEMORISED"
    assert monitor.on_copies(-2.0, 0.2, WATCH) is None
    assert monitor.on_copies(-5.0, 0.02, WATCH) is None


def test_a_label_that_is_not_in_its_images_is_a_leak_only_where_the_probe_can_see_labels() -> None:
    assert rule(monitor.on_labels({"benign": 0.5}, {"benign": 0.9}, WATCH)) == "LABEL_LEAK"
    assert monitor.on_labels({"benign": 0.5}, {"benign": 0.65}, WATCH) is None
    assert monitor.on_labels({"benign": 0.5}, {}, WATCH) is None
    assert rule(monitor.on_grid(0.01, WATCH)) == "LABEL_LEAK"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"saturated": 0.7}, "D_SATURATED"),
        ({"saturated": 0.7, "saturated_share": 1.0}, "silent"),
        ({"frozen": 10.0}, "STUCK"),
        ({"chance": 3.0, "gap": 2.0}, "D_DEAD"),
    ],
)
def test_thresholds_are_settings(change: dict[str, float], found: str) -> None:
    assert rule(losses(HEALTHY, APART, watch=Watch(**change))) == found


def test_the_window_is_five_percent_of_the_steps_and_at_least_300() -> None:
    assert monitor.window_of(500, WATCH) == 300
    assert monitor.window_of(20_000, WATCH) == 1000
    assert monitor.window_of(20_000, Watch(window=0.1)) == 2000


def test_every_rule_that_can_be_found_can_be_kept_in_the_weights() -> None:
    assert monitor.RULES[:6] == ("ok", "D_SATURATED", "D_DEAD", "NONFINITE", "COLLAPSED", "UNTRAINED")
    assert {"STUCK", "GRAD", "OVERFIT", "REGRESSED", "MEMORISED", "LABEL_LEAK"} == set(monitor.RULES[6:])
    assert set(monitor.FATAL) < set(monitor.RULES)
