import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from robustgan import facts, splits, strata, tables
from robustgan.datasets.breakhis import SUBTYPES
from robustgan.errors import InputError
from robustgan.experiment import Split

LEAKED = {
    1: 1145,
    2: 674,
    3: 697,
    4: 836,
    5: 999,
}  # test images whose accession is in train, by official fold
TESTED = {1: 2904, 2: 2403, 3: 2577, 4: 2698, 5: 3083}


def manifest_of(rows: pd.DataFrame) -> pd.DataFrame:
    """A manifest from columns group and label, and whatever else is there."""
    n = len(rows)
    made = pd.DataFrame(
        {
            "image_id": [f"{i:064x}" for i in range(n)],
            "path": [f"{i}.png" for i in range(n)],
            "slide": rows["group"],
            "subtype": "",
            "magnification": 0,
            "width": 8,
            "height": 8,
            "given_split": "",
            "finding": "",
        },
        index=rows.index,
    )
    return tables.check(pd.concat([rows, made.drop(columns=[c for c in rows if c in made])], axis=1), tables.MANIFEST)


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    """The manifest of the complete BreakHis, from the facts."""
    rows = []
    for known in facts.breakhis().itertuples():
        side, subtype = SUBTYPES[known.type]
        for magnification in (40, 100, 200, 400):
            one = {
                "group": known.accession,
                "slide": known.slide,
                "subtype": subtype,
                "magnification": magnification,
            }
            rows += [{**one, "label": int(side == "malignant")}] * getattr(known, f"n{magnification}")
    return manifest_of(pd.DataFrame(rows))


def patients(benign: int, malignant: int, mixed: int = 0, images: int = 6) -> pd.DataFrame:
    kinds = [(f"b{i}", 0.0) for i in range(benign)] + [(f"m{i}", 1.0) for i in range(malignant)]
    kinds += [(f"x{i}", (i + 1) / (mixed + 1)) for i in range(mixed)]
    rows = [{"group": g, "label": int(j < share * images)} for g, share in kinds for j in range(images)]
    return manifest_of(pd.DataFrame(rows))


def sides_of(folds: pd.DataFrame) -> dict[str, set[str]]:
    return {str(side): set(part["group"]) for side, part in folds.groupby("split")}


# ----------------------------------------------------------------------------------------- the whole BreakHis


def test_the_frozen_partition_is_used_for_the_whole_set(whole: pd.DataFrame) -> None:
    known = facts.breakhis().drop_duplicates("accession").set_index("accession")["fold"]
    for fold in range(1, 6):
        made = splits.assign(whole, Split(), fold)
        assert sides_of(made)["test"] == set(known.index[known == fold])
        assert not splits.leaks(made)["leaked"].any()


def test_each_patient_tests_once(whole: pd.DataFrame) -> None:
    made = pd.concat([splits.assign(whole, Split(), fold) for fold in range(1, 6)])
    tested = made[made["split"] == "test"]
    assert tested["path"].is_unique
    assert len(tested) == 7909


@pytest.mark.parametrize("fold", range(1, 6))
def test_official_folds_are_literal_and_their_leaks_are_counted(whole: pd.DataFrame, fold: int) -> None:
    made = splits.assign(whole, Split(protocol=f"official-{fold}", leak=True), 1)
    tested = made[made["split"] == "test"]
    assert len(tested) == TESTED[fold]
    assert (made["split"] != "excluded").all()
    seen = set(made[made["split"].isin(["train", "val"])]["group"])
    assert tested["group"].isin(seen).sum() == LEAKED[fold]
    table = splits.leaks(made).set_index(["identity", "split"])
    assert 0 < table.loc[("group", "test"), "leaked"] <= LEAKED[fold]
    assert (table.loc[("group", "val"), "leaked"] == 0).all()


def test_official_folds_need_the_leak_flag(whole: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"groups stand on two sides .*official-clean"):
        splits.assign(whole, Split(protocol="official-1"), 1)


@pytest.mark.parametrize("fold", range(1, 6))
def test_clean_official_folds_have_the_same_test_images_and_no_leak(whole: pd.DataFrame, fold: int) -> None:
    literal = splits.assign(whole, Split(protocol=f"official-{fold}", leak=True), 1)
    clean = splits.assign(whole, Split(protocol=f"official-clean-{fold}"), 1)
    assert ((literal["split"] == "test") == (clean["split"] == "test")).all()
    assert not splits.leaks(clean)["leaked"].any()
    apart = clean[clean["split"] == "excluded"]
    assert len(apart)
    assert apart["group"].isin(sides_of(clean)["test"]).all()
    assert (apart["finding"] == f"its specimen tests in official-clean-{fold}").all()


def test_official_folds_know_breakhis_only() -> None:
    with pytest.raises(InputError, match="knows the slides of BreakHis only, found b0"):
        splits.assign(patients(6, 6), Split(protocol="official-2", leak=True), 1)


# -------------------------------------------------------------------------------------------- other protocols


@st.composite
def manifests(draw: st.DrawFn) -> pd.DataFrame:
    """Patients of every kind and size, in any order, a few images set apart."""
    sizes = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=2, max_size=30))
    rows = [{"group": f"g{i}", "label": int(j < ill)} for i, (n, ill) in enumerate(sizes) for j in range(n)]
    frame = pd.DataFrame(rows).sample(frac=1, random_state=draw(st.integers(0, 99)))
    frame["magnification"] = np.arange(len(frame)) % draw(st.integers(1, 4))
    made = manifest_of(frame)
    made.loc[: draw(st.integers(0, 2)), "finding"] = "duplicate of something"
    return made


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(manifests(), st.integers(2, 6), st.integers(0, 5), st.floats(0.05, 0.6), st.booleans())
def test_no_patient_is_on_two_sides(
    manifest: pd.DataFrame, count: int, seed: int, share: float, given_sides: bool
) -> None:
    protocol = "given" if given_sides else f"accession-cv{count}"
    sides = manifest["group"].map(lambda group: ("train", "test")[int(group[1:]) % 2])
    rule = Split(protocol=protocol, validation=share, seed=seed)
    made = None
    with contextlib.suppress(InputError):  # too few patients of a class
        made = splits.assign(manifest.assign(given_split=sides), rule, 1)
    assume(made is not None)
    used = made[made["split"] != "excluded"]
    assert used.groupby("group")["split"].nunique().max() == 1
    assert ((made["split"] == "excluded") == (manifest["finding"] != "")).all()
    assert all(set(made.loc[made["split"] == side, "label"]) == {0, 1} for side in ("train", "val"))
    assert not splits.leaks(made)["leaked"].any()
    shuffled = manifest.assign(given_split=sides).sample(frac=1, random_state=1).reset_index(drop=True)
    again = splits.assign(shuffled, rule, 1)
    assert again.set_index("path")["split"].to_dict() == made.set_index("path")["split"].to_dict()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 5), st.integers(0, 10_000))
def test_no_specimen_is_on_two_sides_of_a_part_of_breakhis(whole: pd.DataFrame, fold: int, seed: int) -> None:
    groups = pd.Series(sorted(set(whole["group"]))).sample(45, random_state=seed)
    part = whole[whole["group"].isin(groups)].reset_index(drop=True)
    for protocol in (f"official-clean-{fold}", "accession-cv3"):
        try:
            made = splits.assign(part, Split(protocol=protocol, seed=seed), 1)
        except InputError:
            continue
        assert made[made["split"] != "excluded"].groupby("group")["split"].nunique().max() == 1


def test_folds_partition_the_patients_and_balance_them() -> None:
    rows = patients(11, 23, mixed=17)
    made = pd.concat([splits.assign(rows, Split(), fold) for fold in range(1, 6)])
    tested = made[made["split"] == "test"]
    assert tested["path"].is_unique
    assert len(tested) == len(rows)
    by_kind = tested.groupby(["fold", tested["group"].str[0]])["group"].nunique().unstack()
    assert (by_kind.max() - by_kind.min()).tolist() == [1, 1, 1]
    assert tested.groupby("fold")["label"].mean().between(0.5, 0.75).all()


def test_subtypes_that_take_turns_are_on_every_side() -> None:
    """Eight subtypes in turn and four folds: dealt by name alone, each fold would test on two that nobody learned."""
    rows = [
        {"group": f"{i:03d}", "label": i % 2, "subtype": f"kind{i % 8}", "magnification": magnification}
        for i in range(96)
        for magnification in (40, 100, 200, 400)
    ]
    for fold in range(1, 5):
        made = splits.assign(manifest_of(pd.DataFrame(rows)), Split(protocol="accession-cv4"), fold)
        sides = made.groupby(["split", "subtype"])["group"].nunique().unstack()
        assert sides.loc["test"].eq(3).all()
        assert sides.loc["val"].between(1, 3).all()


def test_validation_is_a_stratified_share_and_follows_the_seed() -> None:
    rows = patients(20, 30)
    one, two = (sides_of(splits.assign(rows, Split(seed=seed), 1))["val"] for seed in (0, 1))
    assert one != two
    for chosen in (one, two):
        assert sum(group[0] == "b" for group in chosen) == 3  # 20 % of 16
        assert sum(group[0] == "m" for group in chosen) == 5  # 20 % of 24
    assert sides_of(splits.assign(rows, Split(seed=-1), 1))["val"]


def test_validation_images_come_near_the_share_at_every_magnification() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"group": f"g{i}", "label": i % 2, "magnification": magnification}
        for i in range(60)
        for magnification in (40, 400)
        for _ in range(rng.integers(1, 20))
    ]
    made = splits.assign(manifest_of(pd.DataFrame(rows)), Split(), 1)
    made = made[made["split"] != "test"]
    share = (made["split"] == "val").groupby([made["label"], made["magnification"]]).mean()
    assert share.between(0.16, 0.24).all()


def test_few_patients_split_as_long_as_they_can() -> None:
    assert len(sides_of(splits.assign(patients(3, 3), Split(protocol="accession-cv3"), 2))) == 3
    assert len(sides_of(splits.assign(patients(0, 0, mixed=3), Split(protocol="accession-cv3"), 1))) == 3
    with pytest.raises(InputError, match="Use fewer folds"):
        splits.assign(patients(3, 3), Split(), 5)
    with pytest.raises(InputError, match="each class needs two"):
        splits.assign(patients(2, 9), Split(protocol="accession-cv2"), 1)


def test_random_image_needs_the_flag_and_shows_the_leak() -> None:
    rows = patients(10, 10, images=20)
    with pytest.raises(InputError, match=r"split\.leak to true"):
        splits.assign(rows, Split(protocol="random-image"), 1)
    rule = Split(protocol="random-image", leak=True)
    made = pd.concat([splits.assign(rows, rule, fold) for fold in range(1, 6)])
    assert made[made["split"] == "test"]["path"].is_unique
    table = splits.leaks(made).set_index(["fold", "identity", "split"])
    group, image = (table.xs(name, level="identity") for name in ("group", "image"))
    assert (group["leaked"] == group["images"]).all()
    assert not image["leaked"].any()


def test_an_audit_trains_nobody_and_tests_all_who_do_not_validate() -> None:
    rows = patients(20, 30)
    made = sides_of(splits.assign(rows, Split(protocol="audit"), 1))
    assert set(made) == {"val", "test"}
    assert sum(group[0] == "b" for group in made["val"]) == 4  # 20 % of 20
    assert sum(group[0] == "m" for group in made["val"]) == 6  # 20 % of 30
    assert made["val"] | made["test"] == set(rows["group"])
    assert not made["val"] & made["test"]


def test_an_audit_can_leave_patients_for_generators_to_learn_from() -> None:
    rule = Split(protocol="audit", validation=0.2, training=0.4)
    made = sides_of(splits.assign(patients(20, 30), rule, 1))
    assert {side: len(groups) for side, groups in made.items()} == {"val": 10, "train": 20, "test": 20}
    assert made["val"] == sides_of(splits.assign(patients(20, 30), Split(protocol="audit"), 1))["val"]


def test_an_audit_needs_patients_and_shares_that_leave_some() -> None:
    with pytest.raises(InputError, match="each class needs two"):
        splits.assign(patients(1, 9), Split(protocol="audit"), 1)
    for wrong in ({"protocol": "audit", "training": 0.9}, {"training": 0.2}):
        with pytest.raises(InputError, match="training"):
            Split.read(wrong)


def test_given_sides_are_taken_as_they_are() -> None:
    rows = patients(4, 4)
    sides = rows["group"].str[1].map({"0": "train", "1": "train", "2": "val", "3": "test"})
    made = splits.assign(rows.assign(given_split=sides), Split(protocol="given"), 1)
    assert (made["split"] == sides).all()
    with pytest.raises(InputError, match="48 of 48 images have no side"):
        splits.assign(rows, Split(protocol="given"), 1)
    sides[0] = "test"
    with pytest.raises(InputError, match="1 groups stand on two sides of a fold: b0"):
        splits.assign(rows.assign(given_split=sides), Split(protocol="given"), 1)
    with pytest.raises(InputError, match="side `test` of given, fold 1, has no images"):
        splits.assign(rows.assign(given_split="train"), Split(protocol="given"), 1)


def test_unknown_protocols_and_folds() -> None:
    rows = patients(6, 6)
    with pytest.raises(InputError, match=r"no protocol `acession-cv5`.*Did you mean `accession-cv5`"):
        splits.assign(rows, Split(protocol="acession-cv5"), 1)
    for protocol, fold in (("accession-cv5", 6), ("official-3", 3), ("accession-cv3", 0)):
        with pytest.raises(InputError, match="has the folds 1 to"):
            splits.assign(rows, Split(protocol=protocol, leak=True), fold)
    for wrong in ("accession-cv1", "accession-cv11", "official-6", "random-image-2"):
        with pytest.raises(InputError, match="no protocol"):
            splits.assign(rows, Split(protocol=wrong), 1)


def test_every_protocol_that_is_listed_can_be_made(whole: pd.DataFrame) -> None:
    rows = whole.assign(given_split=splits.assign(whole, Split(), 1)["split"])
    for name, line in splits.protocols().items():
        assert len(line) < 110
        learn = set() if name == "audit" else {"train"}
        assert set(splits.assign(rows, Split(protocol=name, leak=True), 1)["split"]) >= {"val", "test"} | learn


# ---------------------------------------------------------------------------------------- checks when reading


def test_a_split_that_was_changed_by_hand_is_refused() -> None:
    made = splits.assign(patients(6, 6), Split(), 1)
    splits.check_disjoint(made, leak=False)
    broken = made.copy()
    broken.loc[broken.index[broken["split"] == "train"][0], "split"] = "val"
    with pytest.raises(InputError, match="stand on two sides"):
        splits.check_disjoint(broken, leak=False)
    splits.check_disjoint(broken, leak=True)
    leaked = splits.leaks(broken).set_index(["identity", "split"])["leaked"]
    assert leaked["group", "val"] == 1
    assert leaked["image", "val"] == 0
    with pytest.raises(InputError, match="Did you mean `train`"):
        splits.check_disjoint(made.assign(split="trian"), leak=True)


def test_one_image_under_two_patients_is_refused() -> None:
    made = splits.assign(patients(6, 6), Split(), 1)
    first = {side: made.index[made["split"] == side][0] for side in ("train", "test")}
    made.loc[first["test"], "image_id"] = made.loc[first["train"], "image_id"]
    with pytest.raises(InputError, match="1 images stand on two sides"):
        splits.check_disjoint(made, leak=False)


def test_large_patients_are_dealt_first() -> None:
    sizes = [100, 40, 30, 20, 10]
    rows = [{"group": f"{kind}{i}", "label": kind} for kind in (0, 1) for i, n in enumerate(sizes) for _ in range(n)]
    folds = strata.partition(manifest_of(pd.DataFrame(rows)), 2)
    sums = pd.Series([sizes[int(group[1:])] for group in folds.index]).groupby(folds.to_numpy()).sum()
    assert sums.max() - sums.min() <= 60
    assert folds.groupby(folds).size().tolist() == [5, 5]


def test_the_real_patches_fold_evenly(real_data: Path) -> None:
    listed = pd.read_csv(real_data / "idc_subset/manifest.csv", dtype=str)
    rows = manifest_of(pd.DataFrame({"group": listed["patient_id"], "label": (listed["class"] == "idc").astype(int)}))
    for fold in range(1, 6):
        made = splits.assign(rows, Split(), fold)
        assert made.groupby("split")["label"].mean().between(0.24, 0.29).all()
        assert 36 <= len(sides_of(made)["test"]) <= 44
