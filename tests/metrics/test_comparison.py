"""Paired comparisons by hand, against the drop of METRICS, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from robustgan import metrics, tables
from robustgan.errors import InputError
from robustgan.metrics.comparison import compare
from robustgan.statistics import holm, korn_graubard, sign_flip
from tests.metrics.rows import cell, rows, study


def one(table: pd.DataFrame, metric: str, **where: object) -> pd.Series:
    """The one row for a metric, pooled, under pgd unless told."""
    wanted = {"magnification": "pooled", "attack": "pgd", **where, "metric": metric}
    found = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])]
    assert len(found) == 1, f"{len(found)} rows for {wanted}"
    return found.iloc[0]


def small(score: list[float]) -> pd.DataFrame:
    """12 malignant images of 12 patients, all found when clean."""
    return rows([1] * 12, [0.9] * 12, score)


def test_a_case_by_hand() -> None:
    # the first loses images 0-2, the second 0-7: five more, none won back
    found = compare(small([0.1] * 3 + [0.9] * 9), small([0.1] * 8 + [0.9] * 4))
    row = one(found, "sensitivity")
    assert (row["first"], row["second"], row["difference"]) == pytest.approx((9 / 12, 4 / 12, -5 / 12))
    assert row["p"] == pytest.approx(2 / 2**5)
    assert row["p"] == sign_flip(np.array([1] * 5))
    assert row["low"] < -5 / 12 < row["high"] < 0
    assert (row["first_low"], row["first_high"]) == pytest.approx(
        korn_graubard(np.r_[[0.0] * 3, [1.0] * 9], np.ones(12))
    )
    assert (row["images"], row["groups"], row["first_only"], row["second_only"]) == (12, 12, 0, 0)
    clean = one(found, "sensitivity", attack="clean")
    assert (clean["first"], clean["difference"], clean["p"]) == (1, 0, 1)
    assert "not defined" in one(found, "specificity")["note"]


def test_a_run_compared_with_its_own_clean_images_is_the_drop_of_metrics() -> None:
    frame = study(("noise", "pgd"))[lambda rows: rows["attack"] == "pgd"]
    before = frame.assign(score=frame["clean_score"], pred=frame["clean_pred"])
    table = metrics.evaluate(frame)
    for metric in ("accuracy", "sensitivity", "specificity"):
        row, drop = one(compare(before, frame), metric), cell(table, metric)
        assert row["difference"] == pytest.approx(-drop["drop"])
        assert (row["low"], row["high"]) == pytest.approx((-drop["drop_high"], -drop["drop_low"]))
        assert row[["p", "p_durkalski", "images", "groups"]].tolist() == pytest.approx(
            drop[["p", "p_durkalski", "images", "groups"]].tolist()
        )


def test_the_other_way_round_has_the_other_sign() -> None:
    first, second = study(), study(seed=0).assign(model="resnet", source="resnet")
    second = second.assign(score=1 - second["score"], pred=1 - second["pred"])
    there, back = compare(first, second), compare(second, first)
    np.testing.assert_allclose(there["difference"], -back["difference"])
    np.testing.assert_allclose(there["low"], -back["high"])
    np.testing.assert_allclose(there["p"], back["p"])
    assert (there["model"] == "densenet").all()
    assert (there["other"] == "resnet").all()
    assert (there["source"] == "itself").all()


def test_the_cells_and_holm_over_attacks_and_magnifications() -> None:
    found = compare(study(seed=1), study(seed=1).sample(frac=1, random_state=2))
    assert set(found["attack"]) == {"clean", "fgsm", "pgd", "worst-case"}
    assert list(found["magnification"].unique()) == ["40X", "100X", "200X", "400X", "pooled"]
    assert (found["difference"] == 0).all()
    family = found[found["metric"] == "accuracy"]
    assert len(family) == 4 * 5
    np.testing.assert_allclose(family["p_holm"], holm(family["p"].to_numpy()))
    pd.testing.assert_frame_equal(found, tables.check(found, tables.COMPARISON))


def test_worst_case_is_over_the_attacks_that_both_have() -> None:
    first = study(("fgsm", "pgd", "square"))
    second = first[first["attack"] != "square"]
    found = compare(first, second)
    alone = found[found["attack"] == "square"]
    assert set(alone["note"]) == {"only in the first run"}
    assert (alone["images"] == 0).all()
    assert alone["difference"].isna().all()
    assert (alone["first_only"] > 0).any()
    assert set(compare(second, first).loc[lambda rows: rows["attack"] == "square", "note"]) == {
        "only in the second run"
    }
    rest = compare(second, second)
    for column in ("difference", "p", "p_holm"):  # what only one has is not tested, and is not counted by Holm
        np.testing.assert_array_equal(found.loc[found["attack"] != "square", column], rest[column])
    assert (found.loc[found["attack"] == "worst-case", "difference"] == 0).all()
    alone = metrics.evaluate(second)
    assert one(found, "accuracy", attack="worst-case")["first"] == cell(alone, "accuracy", attack="worst-case")["value"]


def test_images_that_only_one_has_are_counted_and_left_out() -> None:
    whole = small([0.1] * 6 + [0.9] * 6)
    found = compare(whole.iloc[2:], whole.iloc[:-3])
    row = one(found, "sensitivity")
    assert (row["images"], row["first_only"], row["second_only"]) == (7, 3, 2)
    assert row["first"] == row["second"] == pytest.approx(3 / 7)
    assert "7 groups: indicative only" in row["note"]


def test_few_groups_have_no_interval_and_no_test() -> None:
    frame = small([0.1] * 12).assign(group=[f"p{i % 4}" for i in range(12)])
    row = one(compare(frame, frame), "sensitivity")
    assert row[["low", "high", "p", "p_durkalski", "first_low"]].isna().all()
    assert row["note"] == "4 groups: no interval"


def test_a_model_is_compared_with_itself_where_both_have_it() -> None:
    other = study(("pgd",)).assign(model="resnet", source="densenet")
    both = pd.concat([study(("pgd",)), other])
    found = compare(both, both)
    assert set(zip(found["model"], found["other"], strict=True)) == {("densenet", "densenet"), ("resnet", "resnet")}
    assert set(found.loc[found["attack"] == "pgd", "source"]) == {"itself", "densenet"}


def test_what_cannot_be_compared_is_refused() -> None:
    frame = study(("pgd",))
    with pytest.raises(InputError, match=r"Nothing to compare: the first run has models densenet, the second a, b"):
        compare(frame, pd.concat([frame.assign(model="a"), frame.assign(model="b")]))
    with pytest.raises(
        InputError, match=r"No attack is in both runs: the first has pgd linf eps 0.03125 seed 0; .*0.05"
    ):
        compare(frame, frame.assign(eps=0.05))
    with pytest.raises(InputError, match="No image is in both runs: the first has 192 images, the second 192"):
        compare(frame, frame.assign(image_id="x" + frame["image_id"]))
    with pytest.raises(InputError, match=r"disagree about image image000000: group patient000 in the first, other in"):
        compare(frame, frame.assign(group="other"))
    with pytest.raises(InputError, match="stands twice under pgd"):
        compare(frame, pd.concat([frame, frame.iloc[[0]]]))
    with pytest.raises(InputError, match="has models none"):
        compare(tables.empty(tables.PREDICTIONS), frame)


def test_the_interval_of_a_difference_covers_and_the_test_keeps_its_level() -> None:
    # two equally good models that fail on different patients: each patient has a rate of its own for each model
    rng, hits, false, runs = np.random.default_rng(5), 0, 0, 60
    group = [f"p{i:02d}" for i in np.repeat(np.arange(20), 20)]
    for _ in range(runs):
        score = [np.where(rng.random(400) < rng.beta(3, 1, 20).repeat(20), 0.9, 0.1).tolist() for _ in range(2)]
        pair = [rows([1] * 400, [0.9] * 400, part, group) for part in score]
        row = one(compare(*pair), "sensitivity")
        hits += row["low"] <= 0 <= row["high"]
        false += row["p"] < 0.05
    assert hits / runs >= 0.88
    assert false / runs <= 0.12
