"""Sheets whose raters know the truth give back the rates that wrong labels hide; what says too little is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustgan import metrics, tables
from robustgan.errors import InputError
from robustgan.metrics import people
from robustgan.metrics.people import Rating
from robustgan.rating import record
from robustgan.rating.key import CLASSES, KEY, key_path
from tests.metrics.test_correction import real
from tests.metrics.test_generated import cell, made

SENSITIVITY, SPECIFICITY = 0.2, 0.5  # of the victim, on what the images show in truth
WRONG = {"natural": 0.1, "searched": 0.3}  # share of accepted images that show the other class
IMAGES = 2000  # a mode
SHOWN = 150  # a mode and class


def planted(seed: int) -> tuple[pd.DataFrame, dict[str, int]]:
    """GENERATED rows, all accepted, and what each image shows in truth; oracles know nothing of wrong labels."""
    rng = np.random.default_rng(seed)
    frames = [real(0)]
    truth: dict[str, int] = {}
    for mode, wrong in WRONG.items():
        label = rng.integers(0, 2, IMAGES)
        shows = np.where(rng.random(IMAGES) < wrong, 1 - label, label)
        called = rng.random(IMAGES) < np.where(shows == 1, SENSITIVITY, 1 - SPECIFICITY)
        rows = made(mode, label.tolist(), np.where(called, 0.9, 0.1).tolist(), [0.95] * IMAGES, [0.99] * IMAGES)
        truth |= dict(zip(rows["image_id"], shows.tolist(), strict=True))
        frames.append(rows)
    known = frames[0]
    return pd.concat(frames, ignore_index=True), truth | dict(zip(known["image_id"], known["label"], strict=True))


def drawn(rows: pd.DataFrame, seed: int, shown: int = SHOWN) -> pd.DataFrame:
    """A key of so many images of each mode and class."""
    some = rows.groupby(["mode", "label"]).sample(shown, random_state=seed).reset_index(drop=True)
    kind = np.where(some["mode"] == "real", "real", "generated")
    mode = some["mode"].where(some["mode"] != "real", "")
    ids = [f"x{i:04d}" for i in range(len(some))]
    return tables.check(some.assign(id=ids, kind=kind, mode=mode, repeat_of="")[list(KEY)], KEY)


def answered(key: pd.DataFrame, truth: dict[str, int], slips: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """A rater who sees what the images show, but for a share of slips."""
    rng = np.random.default_rng(seed)
    sees = [truth[one] ^ int(rng.random() < slips) for one in key["image_id"]]
    return pd.DataFrame({"id": key["id"], "label": [CLASSES[one] for one in sees]}).set_index("id")


def rating_of(
    place: Path, rows: pd.DataFrame, key: pd.DataFrame, kind: record.Kind = "non-expert", **sheets: pd.DataFrame
) -> Rating:
    """From a report folder and sheets, as the command does."""
    tables.write(rows, tables.GENERATED, place / "generated.parquet")
    tables.write(key, KEY, key_path(place / "sheet"))
    return record.rated(place, place / "sheet", key, sheets, [], kind)


@pytest.mark.parametrize("mode", list(WRONG))
def test_people_give_back_the_rates_that_wrong_labels_hide(tmp_path: Path, mode: str) -> None:
    rows, truth = planted(0)
    key = drawn(rows, 0)
    found = metrics.fooling(rows, rating_of(tmp_path, rows, key, ana=answered(key, truth)))
    for name, planted_rate in (("sensitivity", SENSITIVITY), ("specificity", SPECIFICITY)):
        told = cell(found, f"{name}_corrected_people", mode=mode)
        assert told["low"] < planted_rate < told["high"]
        assert told["value"] == pytest.approx(planted_rate, abs=0.06)
        assert (told["images"], told["note"]) == (cell(found, name, mode=mode)["images"], "")
        blind = cell(found, f"{name}_corrected", mode=mode)  # real images have no wrong labels: nothing is taken out
        assert blind["value"] == pytest.approx(cell(found, name, mode=mode)["value"])
    if mode == "searched":
        assert not blind["low"] < SPECIFICITY < blind["high"], "what oracles say of real images must fail here"


def test_intervals_hold_the_truth_as_often_as_they_say(tmp_path: Path) -> None:
    held, rounds = 0, 30
    for seed in range(rounds):
        rows, truth = planted(seed)
        key = drawn(rows, seed)
        found = metrics.fooling(rows, rating_of(tmp_path, rows, key, ana=answered(key, truth)))
        told = cell(found, "sensitivity_corrected_people", mode="searched")
        held += told["low"] <= SENSITIVITY <= told["high"]
    assert held / rounds >= 0.9


def test_other_answers_are_other_numbers(tmp_path: Path) -> None:
    rows, truth = planted(0)
    key = drawn(rows, 0)
    sheets = [answered(key, truth), answered(key, truth, slips=0.15)]
    ratings = [rating_of(tmp_path, rows, key, ana=sheet) for sheet in sheets]
    values = [
        cell(metrics.fooling(rows, one), "sensitivity_corrected_people", mode="searched")["value"] for one in ratings
    ]
    assert values[1] < values[0] - 0.03
    for rating, share in zip(ratings, (1.0, 0.85), strict=True):
        assert rating.real.value == pytest.approx(share, abs=0.05), "what the raters' own labels are worth"
    without = metrics.fooling(rows)
    assert not set(metrics.PEOPLE_NAMES) & set(without["metric"])
    same = metrics.fooling(rows, ratings[0])
    same = same[~same["metric"].isin(metrics.PEOPLE_NAMES)].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, without)


def test_the_share_of_right_labels_is_the_raters_own_count(tmp_path: Path) -> None:
    rows, truth = planted(0)
    key = drawn(rows, 0, 40)
    ana, ben = answered(key, truth), answered(key, truth, 0.2, 1)
    ben.iloc[::7] = "cannot tell"
    found = rating_of(tmp_path, rows, key, "pathologist", ana=ana, ben=ben)
    assert found.who == "2 pathologists"
    mine = key[(key["mode"] == "searched") & (key["label"] == 1)]
    said = pd.concat([ana.loc[mine["id"], "label"], ben.loc[mine["id"], "label"]])
    (row,) = [r for r in found.accepted if (r.mode, r.magnification, r.label) == ("searched", "pooled", "malignant")]
    assert row.value == pytest.approx((said == "malignant").sum() / (said != "cannot tell").sum())
    assert (row.answers, row.images) == ((said != "cannot tell").sum(), 40)
    assert row.reading.ends.low < row.reading.value < row.reading.ends.high


def test_images_that_the_oracles_did_not_accept_do_not_count(tmp_path: Path) -> None:
    rows, truth = planted(0)
    key = drawn(rows, 0, 40)
    refused = set(key["image_id"][key["mode"] == "natural"][::2])
    rows["accepted"] &= ~rows["image_id"].isin(refused)
    found = rating_of(tmp_path, rows, key, ana=answered(key, truth))
    counts = {(r.mode, r.label): r.images for r in found.accepted if r.magnification == "pooled"}
    assert counts == {(m, c): 20 if m == "natural" else 40 for m in WRONG for c in CLASSES}


def test_an_image_of_both_modes_counts_for_both(tmp_path: Path) -> None:
    rows, truth = planted(0)
    key = drawn(rows, 0, 20)
    still = key["image_id"][key["mode"] == "natural"].iloc[:5].tolist()
    more = rows[rows["image_id"].isin(still)].assign(mode="searched")
    key["mode"] = key["mode"].mask(key["image_id"].isin(still), "natural searched")
    found = rating_of(tmp_path, pd.concat([rows, more], ignore_index=True), key, ana=answered(key, truth))
    assert sum(r.images for r in found.accepted if (r.mode, r.magnification) == ("natural", "pooled")) == 40
    assert sum(r.images for r in found.accepted if (r.mode, r.magnification) == ("searched", "pooled")) == 45


# -------------------------------------------------------------------------------------------------------- refused


def test_too_few_images_and_too_many_wrong_labels_are_refused(tmp_path: Path) -> None:
    rows, truth = planted(0)
    few = drawn(rows, 0, people.FEWEST_RATED - 1)
    with pytest.raises(
        InputError, match=r"natural: people rated too few accepted benign images; .*At least 10 accepted"
    ):
        rating_of(tmp_path, rows, few, ana=answered(few, truth))
    key = drawn(rows, 0, 30)
    with pytest.raises(
        InputError, match=r"dcgan on densenet, natural: 0\.\d+ of the labels .* right, .* required is 0\.6"
    ):
        rating_of(tmp_path, rows, key, ana=answered(key, truth, slips=0.5))


def test_a_mode_whose_labels_do_not_hold_is_shown_and_not_corrected(tmp_path: Path) -> None:
    """The other mode is: that people reject what the search found is a result, and not one to leave out."""
    rows, truth = planted(0)
    key = drawn(rows, 0, 60)
    turned = {one: 1 - truth[one] if one.startswith("searched") else truth[one] for one in truth}
    found = metrics.fooling(rows, rating_of(tmp_path, rows, key, ana=answered(key, turned)))
    told = cell(found, "sensitivity_corrected_people", mode="searched")
    assert np.isnan(told["value"])
    assert "of the labels malignant of accepted images are right, say people, required is 0.6" in told["note"]
    assert cell(found, "sensitivity_corrected_people", mode="natural")["value"] > 0


def test_the_sheet_of_another_report_is_refused(tmp_path: Path) -> None:
    rows, truth = planted(0)
    key = drawn(rows, 0, 20)
    sheet = answered(key, truth)
    other = rows.assign(image_id=rows["image_id"].where(rows["mode"] != "searched", "other" + rows["image_id"]))
    with pytest.raises(
        InputError, match="40 of the 40 searched images of this sheet are not among those that it judged"
    ):
        rating_of(tmp_path, other, key, ana=sheet)
    with pytest.raises(InputError, match="of the 40 real images of this sheet are not among"):
        rating_of(tmp_path, rows[rows["mode"] != "real"], key, ana=sheet)
    with pytest.raises(InputError, match="40 of the 40 natural images of this sheet are of another class"):
        rating_of(tmp_path, rows, key.assign(label=1 - key["label"]), ana=sheet)


def test_a_rating_of_other_rows_is_not_read(tmp_path: Path) -> None:
    rows, truth = planted(0)
    key = drawn(rows, 0, 20)
    people.write(rating_of(tmp_path, rows, key, ana=answered(key, truth)), tmp_path)
    assert people.read(tmp_path) is not None
    tables.write(rows.iloc[1:], tables.GENERATED, tmp_path / "generated.parquet")
    with pytest.raises(InputError, match=r"rates other images than this report's generated\.parquet"):
        people.read(tmp_path)
    for broken, said in (("{", "cannot be read as JSON"), ("[]", "found list"), ('{"kind": "oracle"}', "kind: Input")):
        (tmp_path / people.FILE).write_text(broken)
        with pytest.raises(InputError, match=said):
            people.read(tmp_path)
    (tmp_path / people.FILE).unlink()
    assert people.read(tmp_path) is None
