import re
import shutil
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustgan import facts, images
from robustgan.datasets import breakhis
from robustgan.datasets.breakhis import Breakhis, place_of, scan
from robustgan.errors import InputError
from robustgan.journal import silent

NAMES = [
    "SOB_B_A-14-22549AB-40-001.png",
    "SOB_B_TA-14-16184CD-100-002.png",
    "SOB_M_DC-14-2523-200-003.png",
    "SOB_M_PC-15-190EF-400-011.png",
]


def plant(breast: Path, names: list[str], start: int = 0) -> None:
    """Write a tiny image for every name where BreakHis has it; every image is another one."""
    for i, name in enumerate(names, start=start):
        path = breast / place_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        images.to_png(np.random.default_rng(i).integers(0, 256, (4, 6, 3), np.uint8), path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    plant(tmp_path / "BreaKHis_v1/histology_slides/breast", NAMES)
    return tmp_path


def all_names(real_data: Path) -> list[str]:
    lines = (real_data / "breakhis_facts/folds/dsfold1.txt").read_text().splitlines()
    return [line.partition("|")[0] for line in lines]


@pytest.mark.parametrize(
    "inside", ["", "BreaKHis_v1", "BreaKHis_v1/histology_slides", "BreaKHis_v1/histology_slides/breast"]
)
def test_every_folder_of_the_tree_may_be_the_root(root: Path, inside: str) -> None:
    found = scan(root / inside, True, silent)
    assert found["label"].tolist() == [0, 0, 1, 1]
    assert found["group"].tolist() == ["14-22549", "14-16184", "14-2523", "15-190"]
    assert found["slide"].tolist() == ["14-22549AB", "14-16184CD", "14-2523", "15-190EF"]
    assert found["magnification"].tolist() == [40, 100, 200, 400]
    assert found["subtype"].tolist() == [
        "adenosis",
        "tubular_adenoma",
        "ductal_carcinoma",
        "papillary_carcinoma",
    ]
    assert (found["width"] == 6).all()
    assert (found["height"] == 4).all()
    assert all((root / inside / path).is_file() for path in found["path"])


def test_kaggle_nesting(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outer = tmp_path_factory.mktemp("kaggle")
    shutil.copytree(root / "BreaKHis_v1", outer / "BreaKHis_v1/BreaKHis_v1")
    (outer / "Folds.csv").write_text("x")
    assert scan(outer, True, silent)["image_id"].tolist() == scan(root, True, silent)["image_id"].tolist()
    shutil.copytree(root / "BreaKHis_v1/histology_slides", outer / "BreaKHis_v1/histology_slides")
    with pytest.raises(InputError, match="several BreakHis trees"):
        scan(outer, True, silent)


def test_no_tree(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no BreakHis tree"):
        scan(tmp_path, True, silent)
    with pytest.raises(InputError, match="robustgan data fetch breakhis"):
        Breakhis(root="nowhere").locate(tmp_path, tmp_path)


def test_an_empty_tree(tmp_path: Path) -> None:
    (tmp_path / "breast/benign/SOB").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no image"):
        scan(tmp_path, True, silent)


def test_one_class(tmp_path: Path) -> None:
    plant(tmp_path / "breast", NAMES[:2])
    with pytest.raises(InputError, match="only benign images"):
        scan(tmp_path, True, silent)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "SOB_B_DC-14-2523-200-003.png",  # ductal carcinoma is malignant
        "SOB_M_DC_14-2523-200-003.png",  # the separator of folders
        "SOB_M_DC-14-2523-200-0003.png",
        "SOB_M_DC-14-2523-300-003.png",
        "SOB_M_DC-14-2523ab-200-003.png",
        "SOB_M_DC-14-٢٥٢٣-200-003.png",  # digits, but not ASCII
        "SOB_M_DC-14-2523-200-003.PNG",
    ],
)
def test_names_that_do_not_parse_are_all_listed(root: Path, name: str) -> None:
    slide = root / "BreaKHis_v1/histology_slides/breast/malignant/SOB/ductal_carcinoma"
    (slide / name).write_bytes(b"")
    (slide / "zzz.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"named like BreakHis images .* \(2\)") as caught:
        scan(root, True, silent)
    assert name in str(caught.value)
    assert "zzz.png" in str(caught.value)


def test_a_long_list_of_offenders_is_cut_and_counted(root: Path) -> None:
    for i in range(25):
        (root / f"BreaKHis_v1/histology_slides/breast/benign/stray{i:02}.txt").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        scan(root, True, silent)
    assert "(25)" in str(caught.value)
    assert "and 15 more" in str(caught.value)
    assert str(caught.value).count("stray") == 10


def test_droppings_of_file_managers_are_no_data(root: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "._SOB_M_DC-14-2523-200-003.png"):
        (root / "BreaKHis_v1/histology_slides/breast/benign" / name).write_bytes(b"")
    assert len(scan(root, True, silent)) == len(NAMES)


def test_a_file_in_the_wrong_folder(root: Path) -> None:
    breast = root / "BreaKHis_v1/histology_slides/breast"
    here = breast / place_of(NAMES[2])
    there = here.parent.parent / "100X" / here.name
    there.parent.mkdir()
    here.rename(there)
    with pytest.raises(InputError, match="files in the wrong folder") as caught:
        scan(root, True, silent)
    assert f"belongs at {place_of(NAMES[2])}" in str(caught.value)


def test_every_unreadable_image_is_listed(root: Path) -> None:
    breast = root / "BreaKHis_v1/histology_slides/breast"
    (breast / place_of(NAMES[0])).write_bytes(b"not a png")
    path = breast / place_of(NAMES[3])
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"cannot be used \(2\)") as caught:
        scan(root, True, silent)
    assert NAMES[0] in str(caught.value)
    assert NAMES[3] in str(caught.value)


def test_a_twin_keeps_its_row_and_gets_a_finding(root: Path) -> None:
    breast = root / "BreaKHis_v1/histology_slides/breast"
    twins = ["SOB_M_DC-14-13412-100-003.png", "SOB_M_LC-14-13412-100-003.png"]
    plant(breast, twins, start=50)
    shutil.copy(breast / place_of(twins[0]), breast / place_of(twins[1]))
    found = scan(root, True, silent).set_index("path")["finding"]
    prefix = "BreaKHis_v1/histology_slides/breast/"
    assert found[prefix + place_of(twins[1])] == f"duplicate of {prefix}{place_of(twins[0])}"
    assert (found != "").sum() == 1
    assert len(found) == len(NAMES) + 2


def test_the_same_pixels_in_other_bytes_are_found(root: Path) -> None:
    breast = root / "BreaKHis_v1/histology_slides/breast"
    first, second = (breast / place_of(f"SOB_M_DC-14-2523-400-00{i}.png") for i in (1, 2))
    plant(breast, [first.name, second.name], start=50)
    data = first.read_bytes()
    text = b"tEXtComment\0other"
    chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    second.write_bytes(data[:33] + chunk + data[33:])
    found = scan(root, True, silent)
    assert found["image_id"].is_unique
    assert found["finding"].str.contains("same pixels as .*400-001.png").sum() == 1


def test_one_image_under_both_labels(root: Path) -> None:
    breast = root / "BreaKHis_v1/histology_slides/breast"
    shutil.copy(breast / place_of(NAMES[0]), breast / place_of(NAMES[2]))
    with pytest.raises(InputError, match=r"under both labels \(2\)"):
        scan(root, True, silent)


def test_links_out_of_the_root(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    breast = root / "BreaKHis_v1/histology_slides/breast"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    path = breast / place_of(NAMES[0])
    path.rename(elsewhere / path.name)
    path.symlink_to(elsewhere / path.name)
    with pytest.raises(InputError, match=r"links to folders, or out of the root \(1\)"):
        scan(root, True, silent)
    path.unlink()
    (breast / "benign/SOB/more").symlink_to(elsewhere)
    with pytest.raises(InputError, match="links to folders"):
        scan(root, True, silent)
    (breast / "benign/SOB/more").unlink()
    (breast / "benign").rename(elsewhere / "benign")
    (breast / "benign").symlink_to(elsewhere / "benign")
    with pytest.raises(InputError, match="links to folders"):
        scan(root, True, silent)


def test_a_copy_that_should_be_complete(root: Path) -> None:
    with pytest.raises(InputError, match="partial: true") as caught:
        scan(root, False, silent)
    assert "A 14-22549AB 40X: found 1, published 29" in str(caught.value)


def test_more_images_than_were_published(root: Path) -> None:
    breast = root / "BreaKHis_v1/histology_slides/breast"
    plant(breast, [f"SOB_M_DC-14-4364-40-{i:03}.png" for i in (1, 2)], start=50)  # one was published
    with pytest.raises(InputError, match="DC 14-4364 40X: found 2, published 1"):
        scan(root, True, silent)


def test_slides_that_breakhis_does_not_know(root: Path) -> None:
    plant(root / "BreaKHis_v1/histology_slides/breast", ["SOB_M_DC-99-1000A-40-001.png"], start=50)
    assert "99-1000" in set(scan(root, True, silent)["group"])
    with pytest.raises(InputError, match=r"counts that differ .* \(329\)"):  # 328 cells, and one of a strange slide
        scan(root, False, silent)


def test_the_fingerprint_follows_bytes_and_names(root: Path) -> None:
    before = Breakhis().fingerprint(root)
    assert Breakhis().fingerprint(root) == before
    path = root / "BreaKHis_v1/histology_slides/breast" / place_of(NAMES[0])
    renamed = path.with_name(NAMES[0].replace("001", "002"))
    path.rename(renamed)
    assert Breakhis().fingerprint(root) != before
    renamed.rename(path)
    assert Breakhis().fingerprint(root) == before
    path.write_bytes(path.read_bytes() + b"\0")
    assert Breakhis().fingerprint(root) != before


def test_progress_reaches_the_end(root: Path) -> None:
    seen: list[tuple[int, int]] = []
    scan(root, True, lambda done, total, text: seen.append((done, total)))
    assert seen == [(i, 4) for i in range(1, 5)]


# -------------------------------------------------------------------------------------------- published facts


def test_facts_add_up() -> None:
    known = facts.breakhis()
    assert known[["n40", "n100", "n200", "n400"]].sum().tolist() == [1995, 2081, 2013, 1820]
    assert (len(known), known["slide"].nunique(), known["accession"].nunique()) == (82, 81, 70)
    assert known.groupby("accession")["fold"].nunique().max() == 1
    assert set(known["fold"]) == set(range(1, 6))
    assert all(known[f"official_{n}"].sum() == 28 for n in range(1, 6))
    benign = known["type"].isin(["A", "F", "PT", "TA"])
    assert known[benign]["accession"].nunique() == 16
    assert known[benign].groupby("fold")["accession"].nunique().tolist() == [3, 3, 3, 3, 4]
    assert all(
        re.sub("[A-Z]+$", "", slide) == acc for slide, acc in zip(known["slide"], known["accession"], strict=True)
    )


def test_all_published_names_parse_and_count(real_data: Path) -> None:
    names = all_names(real_data)
    assert len(set(names)) == 7909
    rows = pd.DataFrame([breakhis.parse(name) for name in names])
    assert rows["group"].nunique() == 70
    assert rows.groupby("label").size().tolist() == [2480, 5429]
    breakhis.check_counts(rows, False, real_data)
    with pytest.raises(InputError, match="A 14-22549AB 100X: found 29, published 30"):
        breakhis.check_counts(rows.iloc[1:], False, real_data)


@pytest.mark.slow
def test_a_complete_copy(real_data: Path, tmp_path: Path) -> None:
    plant(tmp_path / "BreaKHis_v1/histology_slides/breast", all_names(real_data))
    found = Breakhis().manifest(tmp_path, silent)
    assert len(found) == 7909
    assert (found["finding"] == "").all()


def test_the_real_subset(real_data: Path) -> None:
    found = Breakhis(partial=True).manifest(real_data / "breakhis_subset", silent)
    counts = found.groupby(["label", "magnification"]).agg(images=("path", "size"), slides=("slide", "nunique"))
    assert counts["images"].tolist() == [9, 68, 17, 12, 33, 64, 20, 32]
    listed = pd.read_csv(real_data / "breakhis_subset/manifest.csv").set_index("file").loc[found["path"]]
    assert listed["sha256"].tolist() == found["image_id"].tolist()
    assert listed["patient_id"].tolist() == found["slide"].tolist()
    assert listed["case_number"].tolist() == found["group"].tolist()
    assert listed["height"].tolist() == found["height"].tolist()
