"""METRICS against scikit-learn, closed small cases, and what must not depend on order, batch or company."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score, roc_auc_score

from robustgan import metrics, tables
from robustgan.errors import InputError
from robustgan.metrics import definitions
from robustgan.statistics import clopper_pearson, holm, korn_graubard, sign_flip
from tests.metrics.rows import cell, rows, study

IMAGES = st.lists(  # label, clean score, score, patient: scores on a coarse grid, so that there are ties
    st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(0, 8), st.integers(0, 11)),
    min_size=1,
    max_size=60,
)


@given(IMAGES)
@settings(deadline=None, max_examples=25)
def test_values_are_those_of_scikit_learn(images: list[tuple[int, int, int, int]]) -> None:
    label, clean, score, patient = map(np.array, zip(*images, strict=True))
    found = metrics.evaluate(rows(label, clean / 8, score / 8, [f"p{i}" for i in patient]))
    for side, scores in (("clean", clean / 8), ("value", score / 8)):
        wanted = reference(label, scores)
        for metric, value in wanted.items():
            row = cell(found, metric)
            assert row[side] == pytest.approx(value, nan_ok=True), metric
            if side == "value" and np.isfinite(row["low"]):
                assert row["low"] - 1e-9 <= value <= row["high"] + 1e-9
    assert cell(found, "sensitivity")["images"] == (label == 1).sum()
    assert cell(found, "specificity")["images"] == (label == 0).sum()


def reference(label: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """The slow and obvious way."""
    said, both = (score >= 0.5).astype(int), len(set(label.tolist())) == 2
    return {
        "accuracy": accuracy_score(label, said),
        "sensitivity": recall_score(label, said, pos_label=1, zero_division=np.nan),
        "specificity": recall_score(label, said, pos_label=0, zero_division=np.nan),
        "balanced_accuracy": balanced_accuracy_score(label, said) if both else np.nan,
        "auroc": roc_auc_score(label, score) if both else np.nan,
    }


def small() -> pd.DataFrame:
    """12 patients with 2 images: 8 malignant ones, 4 benign; what the attack does is in the comments."""
    label = [1] * 16 + [0] * 8
    clean = [0.9] * 15 + [0.2] + [0.1] * 7 + [0.6]  # wrong: the last malignant and the last benign image
    score = [0.2] * 5 + [0.9] * 10 + [0.8] + [0.7] * 2 + [0.1] * 6
    # lost: malignant images 0-4 and benign 16, 17; won: images 15 and 23
    return rows(label, clean, score, [f"p{i // 2:02d}" for i in range(24)])


def working(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 4 benign patients be enough, so that small cases can be worked by hand."""
    monkeypatch.setattr("robustgan.metrics.estimates.FEWEST", 2)
    monkeypatch.setattr("robustgan.metrics.table.FEWEST", 2)


def test_a_case_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    working(monkeypatch)
    found = metrics.evaluate(small())
    accuracy, sensitivity = cell(found, "accuracy"), cell(found, "sensitivity")
    assert (accuracy["clean"], accuracy["value"]) == pytest.approx((22 / 24, 17 / 24))
    assert (sensitivity["clean"], sensitivity["value"]) == pytest.approx((15 / 16, 11 / 16))
    assert cell(found, "specificity")["drop"] == pytest.approx(7 / 8 - 6 / 8)
    assert accuracy["drop"] == pytest.approx(5 / 24)
    assert cell(found, "attack_success")["value"] == pytest.approx(7 / 22)
    assert cell(found, "missed_cancers")["value"] == pytest.approx(5 / 15)
    assert cell(found, "false_alarms")["value"] == pytest.approx(2 / 7)
    assert [cell(found, m)["images"] for m in ("attack_success", "missed_cancers", "false_alarms")] == [
        22,
        15,
        7,
    ]
    # malignant patients lost 2, 2, 1, 0, 0, 0, 0 and won 1: sign patterns of (2, 2, 1, -1) with |sum| >= 4
    assert sensitivity["p"] == pytest.approx(sign_flip(np.array([2, 2, 1, -1])))
    # clean sensitivity: seven patients 2 of 2, one 1 of 2
    ends = korn_graubard(np.array([2.0] * 7 + [1]), np.full(8, 2.0))
    assert (sensitivity["clean_low"], sensitivity["clean_high"]) == pytest.approx(ends)
    assert sensitivity["groups"] == 8
    assert sensitivity["drop_low"] <= 0.25 <= sensitivity["drop_high"]
    assert accuracy["note"] == ""
    assert sensitivity["note"] == "8 groups: indicative only"


def test_patients_are_counted_in_two_named_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    working(monkeypatch)
    found = metrics.evaluate(small())
    recognition = cell(found, "accuracy", unit="patient recognition")
    assert recognition["clean"] == pytest.approx((10 + 2 * 0.5) / 12)
    assert recognition["value"] == pytest.approx((8 + 0.5 + 1 + 0 + 0 - 1) / 12)  # 0, 0, 1/2, five 1, then 0, three 1
    diagnosis = cell(found, "sensitivity", unit="patient diagnosis")
    # clean means 0.9 ..., last (0.9 + 0.2) / 2 = 0.55: all 8 right; attacked 0.2, 0.2, 0.55, 0.9, ...: 6 of 8
    assert (diagnosis["clean"], diagnosis["value"]) == pytest.approx((1, 6 / 8))
    assert (diagnosis["low"], diagnosis["high"]) == pytest.approx(clopper_pearson(6, 8))
    assert diagnosis["p"] == pytest.approx(0.5)  # McNemar: 2 lost, 0 won
    assert (diagnosis["groups"], diagnosis["images"]) == (8, 16)


def test_recognition_weighs_patients_and_accuracy_weighs_images() -> None:
    label, group = [1] * 9 + [1], ["a"] * 9 + ["b"]
    score = [0.9] * 9 + [0.1]
    found = metrics.evaluate(rows(label, score, score, group))
    assert cell(found, "accuracy")["value"] == pytest.approx(0.9)
    assert cell(found, "accuracy", unit="patient recognition")["value"] == pytest.approx(0.5)


def test_mixed_patients_are_left_out_of_the_diagnosis_and_counted() -> None:
    found = metrics.evaluate(rows([1, 0, 1, 1], [0.9, 0.1, 0.9, 0.8], [0.9, 0.1, 0.2, 0.3], ["a", "a", "b", "b"]))
    accuracy = cell(found, "accuracy", unit="patient diagnosis")
    assert (accuracy["clean"], accuracy["value"], accuracy["groups"], accuracy["images"]) == (1, 0, 1, 2)
    assert "1 patients with images of both classes are left out" in accuracy["note"]


def test_one_class_only_is_nan_with_its_n() -> None:
    found = metrics.evaluate(rows([1] * 12, [0.9] * 12, [0.1] * 12))
    for metric in ("specificity", "balanced_accuracy", "auroc", "false_alarms"):
        row = cell(found, metric)
        assert np.isnan(row["value"])
        assert "not defined" in row["note"]
    assert cell(found, "specificity")["images"] == 0
    assert cell(found, "auroc")["images"] == 12
    assert cell(found, "sensitivity")["value"] == 0


def test_rows_may_come_in_any_order() -> None:
    frame = study()
    shuffled = frame.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(metrics.evaluate(frame), metrics.evaluate(shuffled), check_exact=True)
    pd.testing.assert_frame_equal(metrics.works(frame), metrics.works(shuffled), check_exact=True)


def test_an_attack_has_the_same_numbers_alone_and_in_company() -> None:
    frame = study()
    together = metrics.evaluate(frame)
    alone = metrics.evaluate(frame[frame["attack"] == "pgd"])
    columns = [name for name in together if name != "p_holm"]
    part = together.loc[together["attack"] == "pgd", columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, alone[columns], check_exact=True)


def test_the_cells_of_a_study() -> None:
    found = metrics.evaluate(study())
    assert set(found["attack"]) == {"clean", "fgsm", "pgd", "worst-case"}
    assert list(found["magnification"].unique()) == ["40X", "100X", "200X", "400X", "pooled"]
    assert not found.duplicated([*tables.METRICS][:10]).any()
    by_subtype = found[found["subtype"] != "all"]
    assert set(by_subtype["metric"]) == {"accuracy", "attack_success"}
    assert set(by_subtype["magnification"]) == {"pooled"}
    ductal = cell(found, "accuracy", subtype="ductal_carcinoma")
    assert ductal["value"] == cell(found, "sensitivity")["value"]
    for metric in ("accuracy", "sensitivity", "specificity", "balanced_accuracy", "auroc"):
        row = cell(found, metric)
        assert row["drop"] == pytest.approx(row["clean"] - row["value"])
        assert row["drop_low"] < row["drop"] < row["drop_high"]
        assert row["drop_low"] > 0, "this attack is strong"


def test_holm_is_over_attacks_and_magnifications_of_one_metric() -> None:
    found = metrics.evaluate(study())
    family = found[(found["metric"] == "sensitivity") & (found["unit"] == "image") & (found["subtype"] == "all")]
    assert family["p"].notna().sum() == 3 * 5  # fgsm, pgd, worst-case; the clean row tests nothing
    np.testing.assert_allclose(family["p_holm"], holm(family["p"].to_numpy()))
    assert found.loc[found["subtype"] != "all", "p_holm"].isna().all()


def test_an_attack_that_changes_no_image_has_a_drop_of_exactly_zero() -> None:
    row = cell(metrics.evaluate(study()), "sensitivity", attack="clean")
    assert (row["drop"], row["drop_low"], row["drop_high"]) == (0, 0, 0)
    assert np.isnan(row["p"])


def test_an_attack_that_turns_nothing_still_has_an_honest_interval() -> None:
    frame = study(("clean",)).assign(attack="pgd", eps=0.03125, linf=0.03125)
    row = cell(metrics.evaluate(frame), "sensitivity")
    assert row["drop"] == 0
    assert row["drop_low"] < 0 < row["drop_high"]
    assert row["p"] == 1
    assert cell(metrics.evaluate(frame), "missed_cancers")["high"] > 0.05


def test_a_single_magnification_is_the_pooled_row_under_its_name() -> None:
    found = metrics.evaluate(study().assign(magnification=40))
    assert set(found["magnification"]) == {"40X", "pooled"}
    for metric in definitions.METRIC_NAMES:
        pd.testing.assert_series_equal(
            cell(found, metric).drop("magnification"),
            cell(found, metric, magnification="40X").drop("magnification"),
            check_names=False,
        )
    assert set(metrics.evaluate(study().assign(magnification=0))["magnification"]) == {"pooled"}
    assert set(metrics.works(study().assign(magnification=40))["magnification"]) == {"40X", "pooled"}


def test_no_drop_is_printed_where_the_clean_classifier_does_not_work() -> None:
    rng = np.random.default_rng(1)
    frame = study()
    coin = pd.Series(rng.random(len(frame) // 3), index=frame["image_id"].unique())
    guess = frame["image_id"].map(coin).where(frame["magnification"] == 400, frame["clean_score"])
    frame = frame.assign(clean_score=guess.astype(float), clean_pred=(guess >= 0.5).astype(int))
    working = metrics.works(frame).set_index("magnification")
    assert working["works"].to_dict() == {
        "40X": True,
        "100X": True,
        "200X": True,
        "400X": False,
        "pooled": True,
    }
    found = metrics.evaluate(frame)
    broken = found[found["magnification"] == "400X"]
    assert broken[["drop", "drop_low", "drop_high", "p", "p_holm"]].isna().all().all()
    assert broken["note"].str.contains("the clean classifier does not work here: balanced accuracy 0.").all()
    flips = broken["metric"].isin(["attack_success", "missed_cancers", "false_alarms"])
    assert broken.loc[flips, ["value", "low", "high"]].isna().all().all()
    assert broken.loc[~flips, "value"].notna().all()
    assert cell(found, "sensitivity", magnification="40X")["drop"] > 0


def test_four_benign_patients_are_not_enough_to_say_that_it_works() -> None:
    label = [1] * 20 + [0] * 4
    frame = rows(label, np.array(label) * 0.8 + 0.1, [0.3] * 24)
    said = metrics.works(frame).iloc[0]
    assert said["balanced_accuracy"] == 1
    assert not said["works"]
    assert said["why"] == "4 groups have benign images, 5 are needed; balanced accuracy 1.000"
    found = metrics.evaluate(frame)
    assert np.isnan(cell(found, "specificity")["low"])
    assert "4 groups: no interval" in cell(found, "specificity")["note"]


def test_a_perfect_classifier_does_not_claim_a_perfect_interval() -> None:
    label = np.arange(40) % 2
    frame = rows(label, label * 0.8 + 0.1, 0.9 - label * 0.8)
    found = metrics.evaluate(frame)
    assert metrics.works(frame).iloc[0]["low"] == pytest.approx(
        1 - 0.5 * np.hypot(*[1 - clopper_pearson(20, 20).low] * 2)
    )
    assert cell(found, "balanced_accuracy")["drop_low"] < 1
    assert np.isnan(cell(found, "auroc")["drop_low"])
    assert "every resample gives the same AUROC" in cell(found, "auroc")["note"]


def test_an_image_that_stands_twice_is_refused() -> None:
    frame = study()
    with pytest.raises(InputError, match=r"stands twice under fgsm on densenet \(folds 1, 2\)"):
        metrics.evaluate(pd.concat([frame, frame.iloc[[200]].assign(fold=2)]))


def test_seeds_and_sources_are_evaluated_apart() -> None:
    first, second = study(("pgd",)), study(("clean", "pgd"), seed=4).assign(seed=1, source="resnet")
    found, alone = metrics.evaluate(pd.concat([first, second])), metrics.evaluate(first)
    assert len(found) == 3 * len(alone)
    assert cell(found, "accuracy", seed=0)["value"] == cell(alone, "accuracy")["value"]
    assert cell(found, "accuracy", seed=1)["value"] != cell(alone, "accuracy")["value"]


def test_no_rows_give_an_empty_table() -> None:
    assert metrics.evaluate(tables.empty(tables.PREDICTIONS)).empty
    assert metrics.works(tables.empty(tables.PREDICTIONS)).empty


def test_the_table_survives_a_csv(tmp_path: Path) -> None:
    found = metrics.evaluate(study())
    tables.write(found, tables.METRICS, tmp_path / "metrics.csv")
    again = tables.read(tmp_path / "metrics.csv", tables.METRICS)
    pd.testing.assert_frame_equal(again, found, rtol=1e-5)


def test_a_new_metric_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    sure = definitions.Share("share of confident images called right", lambda c: abs(c.clean_score - 0.5) > 0.4)
    monkeypatch.setitem(definitions.SHARES, "sure_accuracy", sure)
    monkeypatch.setitem(definitions.METRIC_NAMES, "sure_accuracy", sure.meaning)
    row = cell(metrics.evaluate(study()), "sure_accuracy")
    assert 0 < row["images"] < cell(metrics.evaluate(study()), "accuracy")["images"]
    assert row["clean"] == 1


def test_numbers_need_no_torch() -> None:
    code = "import sys, robustgan.metrics; sys.exit(any(m in sys.modules for m in ('torch', 'timm', 'art')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
