"""FOOLING rates by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustgan import metrics, tables
from robustgan.errors import InputError
from robustgan.statistics import korn_graubard, wilson


def made(
    mode: str, label: list[int], score: list[float], low: list[float], high: list[float], **columns: object
) -> pd.DataFrame:
    """Generated or real images, with the lowest and highest probability that oracles give to the label."""
    n = len(label)
    frame = {
        "model": "densenet",
        "source": "densenet",
        "attack": "dcgan",
        "norm": "unrestricted",
        "eps": np.nan,
        "seed": 0,
        "fold": 1,
        "mode": mode,
        "image_id": [f"{mode}{i:04d}" for i in range(n)],
        "group": [f"p{i}" for i in range(n)] if mode == "real" else "",
        "magnification": 40,
        "label": label,
        "score": score,
        "pred": (np.asarray(score) >= 0.5).astype(int),
        "oracle_low": low,
        "oracle_mean": (np.asarray(low) + np.asarray(high)) / 2,
        "oracle_high": high,
        "oracles": 3,
        "accepted": np.asarray(low) >= 0.9,
        "distance": 0.0,
    }
    return tables.check(pd.DataFrame({**frame, **columns}), tables.GENERATED)


def cell(table: pd.DataFrame, metric: str, **where: object) -> pd.Series:
    """The one row for a metric (natural, pooled, both labels unless told)."""
    wanted = {"mode": "natural", "magnification": "pooled", "label": "both", **where, "metric": metric}
    found = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]
    assert len(found) == 1, f"{len(found)} rows for {wanted}"
    return found.iloc[0]


def eight() -> pd.DataFrame:
    """Four malignant (3 accepted, 1 of them fools), four benign (2 accepted, both fool)."""
    return made(
        "natural",
        [1, 1, 1, 1, 0, 0, 0, 0],
        [0.9, 0.8, 0.1, 0.2, 0.9, 0.7, 0.1, 0.2],
        [0.95, 0.9, 0.99, 0.5, 0.92, 0.9, 0.4, 0.1],
        [0.99, 0.99, 0.99, 0.9, 0.99, 0.9, 0.8, 0.2],
    )


def test_rates_by_hand() -> None:
    found = metrics.fooling(eight())
    wanted = {
        "yield": (5, 8),
        "fooling_rate": (3, 5),
        "oracle_accuracy": (7, 8),  # means 0.97, 0.945, 0.99, 0.7, 0.955, 0.9, 0.6, 0.15
        "victim_accuracy": (4, 8),
        "sensitivity": (2, 3),
        "specificity": (0, 2),
    }
    for metric, (hit, n) in wanted.items():
        row = cell(found, metric)
        assert row["value"] == pytest.approx(hit / n)
        assert row["images"] == n
        assert (row["low"], row["high"]) == pytest.approx(wilson(hit, n))
    gap = cell(found, "gap")
    assert gap["value"] == pytest.approx(3 / 8)
    assert gap["low"] < 3 / 8 < gap["high"]
    assert cell(found, "fooling_rate", label="malignant")["value"] == pytest.approx(1 / 3)
    assert cell(found, "fooling_rate", label="benign")["value"] == 1
    assert "oracle_floor" not in set(found["metric"])
    assert set(found["magnification"]) == {"40X", "pooled"}


def test_the_floor_is_the_error_of_unanimous_oracles_on_real_patients() -> None:
    # accepted: 8 images; all oracles sure of the wrong label: 2; split oracles: 2 that do not count
    low = [0.95] * 8 + [0.01] * 2 + [0.01, 0.5]
    high = [0.99] * 8 + [0.05, 0.1] + [0.95, 0.6]
    group = ["a", "a", "b", "b", "c", "d", "e", "f", "a", "b", "c", "d"]
    found = metrics.fooling(made("real", [1, 0] * 6, [0.9, 0.1] * 6, low, high, group=group))
    floor = cell(found, "oracle_floor", mode="real")
    assert floor["value"] == pytest.approx(2 / 10)
    assert floor["images"] == 10
    # patients a..f have 1 of 3, 1 of 3, 0 of 1, 0 of 1, 0 of 1, 0 of 1
    ends = korn_graubard(np.array([1.0, 1, 0, 0, 0, 0]), np.array([3.0, 3, 1, 1, 1, 1]))
    assert (floor["low"], floor["high"]) == pytest.approx(ends)
    assert cell(found, "fooling_rate", mode="real")["value"] == 0


def test_real_images_of_few_patients_have_no_interval() -> None:
    found = metrics.fooling(made("real", [1] * 8, [0.9] * 8, [0.95] * 8, [0.99] * 8, group=["a", "b"] * 4))
    row = cell(found, "victim_accuracy", mode="real")
    assert row["value"] == 1
    assert np.isnan(row["low"])
    assert row["note"] == "2 groups: no interval"
    gap = cell(found, "gap", mode="real")
    assert gap["value"] == 0
    assert np.isnan([gap["low"], gap["high"]]).all()  # of a difference neither


def test_a_generator_that_does_not_make_what_it_is_asked_for_is_named() -> None:
    found = metrics.fooling(made("natural", [1] * 10, [0.9] * 10, [0.1] * 6 + [0.95] * 4, [0.2] * 6 + [0.99] * 4))
    said = "not label faithful: the oracles see malignant in a share of 0.40, where it was asked for"
    assert cell(found, "fooling_rate")["note"] == said


def test_a_class_that_is_made_well_does_not_hide_one_that_is_not() -> None:
    low = [0.95] * 99 + [0.1] + [0.95] * 63 + [0.1] * 37
    found = metrics.fooling(made("natural", [0] * 100 + [1] * 100, [0.5] * 200, low, low))
    assert cell(found, "oracle_accuracy")["value"] == pytest.approx(0.81)
    for label, share in (("both", "0.63"), ("malignant", "0.63"), ("benign", "")):
        note = cell(found, "fooling_rate", label=label)["note"]
        assert ("the oracles see malignant in a share of 0.63" in note) == bool(share), label
        assert bool(note) == bool(share)


def test_copies_and_a_single_oracle_are_named() -> None:
    frame = eight().assign(image_id="same", oracles=1)
    note = cell(metrics.fooling(frame), "yield")["note"]
    assert "7 images are exact copies of others" in note
    assert "one judging oracle" in note


def test_nothing_accepted_is_nan_with_n_zero() -> None:
    found = metrics.fooling(made("searched", [1, 0], [0.9, 0.1], [0.5, 0.5], [0.6, 0.6]))
    row = cell(found, "fooling_rate", mode="searched")
    assert np.isnan(row["value"])
    assert row["images"] == 0
    assert cell(found, "yield", mode="searched")["value"] == 0


def test_a_label_that_was_not_made_is_nan_with_n_zero() -> None:
    found = metrics.fooling(made("natural", [1, 1], [0.9, 0.1], [0.95] * 2, [0.99] * 2))
    row = cell(found, "gap", label="benign")
    assert np.isnan(row["value"])
    assert (row["images"], row["note"]) == (0, "no such images")


def test_modes_stand_in_order_and_rows_may_come_in_any() -> None:
    real = made("real", [1, 0], [0.9, 0.1], [0.95] * 2, [0.99] * 2)
    frame = pd.concat(
        [*(eight().assign(mode=mode) for mode in ("walked", "searched", "natural")), real], ignore_index=True
    )
    found = metrics.fooling(frame)
    assert list(found["mode"].unique()) == ["real", "natural", "searched", "walked"]
    pd.testing.assert_frame_equal(found, metrics.fooling(frame.sample(frac=1, random_state=1)), check_exact=True)


def test_a_missing_column_is_named_and_no_rows_are_no_rows() -> None:
    with pytest.raises(InputError, match="oracle_high"):
        metrics.fooling(eight().drop(columns="oracle_high"))
    assert metrics.fooling(tables.empty(tables.GENERATED)).empty


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
        min_size=1,
        max_size=40,
    )
)
@settings(deadline=None, max_examples=30)
def test_rates_lie_in_their_intervals(images: list[tuple[int, float, float, float]]) -> None:
    label, score, one, two = map(list, zip(*images, strict=True))
    low, high = [min(p) for p in zip(one, two, strict=True)], [max(p) for p in zip(one, two, strict=True)]
    found = metrics.fooling(pd.concat([made(mode, label, score, low, high) for mode in ("real", "natural")]))
    there = found[found["low"].notna()]
    assert (there["low"] <= there["value"] + 1e-9).all()
    assert (there["value"] <= there["high"] + 1e-9).all()
    accepted = cell(found, "yield")["value"] * len(label)
    assert accepted == pytest.approx(sum(p >= 0.9 for p in low))
