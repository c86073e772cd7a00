"""The correction against planted labels: what it must give is known."""

import numpy as np
import pandas as pd
import pytest

from robustgan import metrics
from robustgan.metrics.correction import Evidence, corrected, solved
from robustgan.metrics.estimates import Reading
from robustgan.statistics import Interval, korn_graubard, wilson
from tests.metrics.test_generated import cell, made

PATIENTS, EACH = 40, 10  # real ones, and images of each


def exact(value: float) -> Reading:
    return Reading(value, Interval(value, value))


@pytest.mark.parametrize(("s", "t", "p", "q"), [(0.2, 0.9, 0.9, 0.8), (0.0, 1.0, 0.7, 1.0), (0.5, 0.5, 0.6, 0.95)])
def test_what_wrong_labels_do_is_undone(s: float, t: float, p: float, q: float) -> None:
    seen, other = p * s + (1 - p) * (1 - t), q * t + (1 - q) * (1 - s)
    assert solved(seen, other, p, q) == pytest.approx(s)
    assert solved(other, seen, q, p) == pytest.approx(t)


def test_where_both_classes_are_alike_it_is_the_short_formula() -> None:
    seen, q = 0.62, 0.8
    assert solved(seen, seen, q, q) == pytest.approx((seen - (1 - q)) / (2 * q - 1))


def test_with_right_labels_nothing_changes_and_the_interval_is_the_observed_one() -> None:
    seen = Reading(0.3, wilson(30, 100))
    found = corrected(Evidence(seen, exact(0.9), exact(1.0), exact(1.0)))
    assert found.value == pytest.approx(0.3)
    assert found.ends == pytest.approx(seen.ends)


def test_doubt_about_the_labels_widens_the_interval_and_shares_stay_shares() -> None:
    seen, other = Reading(0.05, wilson(5, 100)), Reading(0.9, wilson(90, 100))
    sure = corrected(Evidence(seen, other, exact(0.9), exact(0.9)))
    unsure = corrected(Evidence(seen, other, Reading(0.9, wilson(18, 20)), Reading(0.9, wilson(18, 20))))
    assert unsure.ends.low <= sure.ends.low <= sure.value <= sure.ends.high < unsure.ends.high
    assert unsure.value == sure.value == pytest.approx((0.9 * -0.05 + 0.1 * 0.8) / 0.8)
    none = corrected(Evidence(exact(0.0), exact(0.8), exact(0.9), exact(0.9)))
    assert none == exact(0.0)  # (0.9 * -0.1 + 0.1 * 0.7) / 0.8 is below 0
    lost = corrected(Evidence(seen, other, Reading(0.6, wilson(6, 10)), Reading(0.6, wilson(6, 10))))
    assert lost.ends == Interval(0.0, 1.0)  # at the lower ends labels say nothing


def drawn(rng: np.random.Generator, s: float, t: float, p: float, q: float) -> tuple[Evidence, Evidence]:
    """Evidence on both classes from 150 generated images of each and 20 patients of 4 to 8 real ones of each."""
    seen, right = [], []
    for hit, miss, share in ((s, 1 - t, p), (t, 1 - s, q)):
        sound = rng.random(150) < share
        called = int((rng.random(150) < np.where(sound, hit, miss)).sum())
        seen.append(Reading(called / 150, wilson(called, 150)))
        sizes = rng.integers(4, 9, 20).astype(float)
        alike = rng.beta(10 * share, 10 * (1 - share), 20)  # images of one patient are labelled alike
        counts = rng.binomial(sizes.astype(int), alike).astype(float)
        right.append(Reading(float(counts.sum() / sizes.sum()), korn_graubard(counts, sizes)))
    return Evidence(seen[0], seen[1], right[0], right[1]), Evidence(seen[1], seen[0], right[1], right[0])


@pytest.mark.parametrize(("s", "t", "p", "q"), [(0.3, 0.8, 0.9, 0.85), (0.6, 0.5, 0.8, 0.9), (0.05, 0.6, 0.95, 0.9)])
def test_intervals_hold_the_truth_as_often_as_they_say(s: float, t: float, p: float, q: float) -> None:
    rng = np.random.default_rng(1)
    held, naive, rounds = 0, 0, 400
    for _ in range(rounds):
        first, second = drawn(rng, s, t, p, q)
        for known, truth in ((first, s), (second, t)):
            found = corrected(known)
            held += found.ends.low <= truth <= found.ends.high
            naive += known.seen.ends.low <= truth <= known.seen.ends.high
    assert held / (2 * rounds) > 0.93
    assert naive < held


# --------------------------------------------------------------------------------------------------- in the table


def real(wrong: int, patients: int = PATIENTS) -> pd.DataFrame:
    """Real images, half of them malignant, of which the oracles are sure; of `wrong` in 10 they are mistaken."""
    n = patients * EACH
    label = [(i // EACH) % 2 for i in range(n)]
    off = [i % EACH < wrong for i in range(n)]
    low, high = [0.01 if o else 0.95 for o in off], [0.05 if o else 0.99 for o in off]
    group = [f"p{i // EACH:03d}" for i in range(n)]
    return made("real", label, [0.9 if y else 0.1 for y in label], low, high, group=group)


def flipped(s: float, t: float, wrong: float, n: int = 1000) -> pd.DataFrame:
    """Accepted images, n of each class, of which a share is truly of the other class; exact counts."""
    label, score = [], []
    for asked in (1, 0):
        for i in range(n):
            truth = 1 - asked if i < round(wrong * n) else asked
            place = (i if truth != asked else i - round(wrong * n)) / (n * (wrong if truth != asked else 1 - wrong))
            right = place < (s if truth else t)
            label.append(asked)
            score.append(0.9 if truth == int(right) else 0.1)
    return made("natural", label, score, [0.95] * 2 * n, [0.99] * 2 * n)


def test_the_table_gives_back_the_rates_that_flipped_labels_hide() -> None:
    found = metrics.fooling(pd.concat([real(1), flipped(0.2, 0.9, 0.1)]))
    assert cell(found, "sensitivity")["value"] == pytest.approx(0.9 * 0.2 + 0.1 * 0.1)
    row = cell(found, "sensitivity_corrected")
    assert row["value"] == pytest.approx(0.2)
    assert row["low"] < 0.2 < row["high"]
    assert (row["images"], row["note"]) == (1000, "")
    assert cell(found, "specificity_corrected")["value"] == pytest.approx(0.9)
    assert not (found[found["mode"] == "real"]["metric"].str.endswith("_corrected")).any()


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (lambda: real(5), "0.50 of the real images that all oracles call malignant are, required is 0.6"),
        (lambda: real(1, patients=4), "too few patients with real images that all oracles call malignant"),
        (lambda: real(1).iloc[:0], "too few patients"),
    ],
)
def test_labels_that_say_too_little_are_not_corrected_with(known: object, why: str) -> None:
    assert callable(known)
    found = metrics.fooling(pd.concat([known(), flipped(0.2, 0.9, 0.1)]))
    row = cell(found, "sensitivity_corrected")
    assert np.isnan(row["value"])
    assert why in row["note"]
    assert cell(found, "sensitivity")["note"] == ""


def test_one_class_alone_is_not_corrected() -> None:
    frame = flipped(0.2, 0.9, 0.1)
    found = metrics.fooling(pd.concat([real(1), frame[frame["label"] == 1]]))
    assert "no accepted images of one class" in cell(found, "sensitivity_corrected")["note"]


def test_a_victim_that_errs_where_the_oracles_err_is_not_corrected_to_certainty() -> None:
    agreeing = made("natural", [1, 0] * 500, [0.9, 0.1] * 500, [0.95] * 1000, [0.99] * 1000)  # right about every label
    found = metrics.fooling(pd.concat([real(1), agreeing]))  # though one label in ten is wrong
    row = cell(found, "sensitivity_corrected")
    assert np.isnan(row["value"])
    assert np.isnan(row["low"])
    assert "victim and oracles err together" in row["note"]
    assert cell(found, "sensitivity")["value"] == 1.0
