import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustgan import audit, facts, images, splits, tables
from robustgan.datasets.breakhis import SUBTYPES, Breakhis, place_of
from robustgan.datasets.folder import Folder
from robustgan.errors import InputError
from robustgan.experiment import Split


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small BreakHis tree: six specimens of each class, no benign image at 400X, one twin."""
    names = [f"SOB_B_A-99-{i}-40-{j:03}.png" for i in range(6) for j in range(2)]
    names += [f"SOB_M_DC-99-{i}A-{x}-001.png" for i in range(10, 16) for x in (40, 400)]
    for i, name in enumerate(names):
        path = tmp_path / "breakhis/breast" / place_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        images.to_png(np.random.default_rng(i).integers(0, 256, (4, 6, 3), np.uint8), path)
    first = tmp_path / "breakhis/breast" / place_of(names[0])
    shutil.copy(first, first.with_name(first.name.replace("-000.png", "-009.png")))
    return tmp_path


def test_counts_findings_sides_and_leaks(data: Path) -> None:
    found = audit.audit(Breakhis(partial=True), data, Split(), 2)
    assert found.counts.set_index(["class", "magnification"])["images"].to_dict() == {
        ("benign", 40): 13,
        ("benign", 400): 0,
        ("malignant", 40): 6,
        ("malignant", 400): 6,
    }
    assert found.counts["groups"].tolist() == [6, 0, 6, 6]
    assert found.subtypes["subtype"].tolist() == ["adenosis", "ductal_carcinoma"]
    assert found.findings["finding"].str.startswith("duplicate of breast/benign").tolist() == [True]
    assert set(found.sides["split"]) == {"train", "val", "test", "excluded"}
    assert found.sides["images"].sum() == 25
    assert not found.leaks["leaked"].any()


def test_lines_say_what_a_reader_must_see(data: Path) -> None:
    text = "\n".join(audit.as_lines(audit.audit(Breakhis(partial=True), data, Split(), 1)))
    assert "breakhis: 25 images of 12 patients; accession-cv5, fold 1" in text
    assert "13 (6)" in text
    assert "no benign image at 400X" in text
    assert "Findings: 1" in text
    assert "duplicate of" in text


def test_json_holds_every_table(data: Path) -> None:
    found = json.loads(audit.as_json(audit.audit(Breakhis(partial=True), data, Split(), 1)))
    assert {"title", "counts", "subtypes", "findings", "sides", "leaks", "problem"} == set(found)
    assert found["counts"][0] == {"class": "benign", "magnification": 40, "images": 13, "groups": 6}


def test_a_leaking_protocol_is_shown_without_the_flag(data: Path) -> None:
    found = audit.audit(Breakhis(partial=True), data, Split(protocol="random-image"), 1)
    leaked = found.leaks.set_index(["identity", "split"])["leaked"]
    assert leaked["group", "test"] > 0
    assert leaked["image", "test"] == 0


def test_a_split_that_cannot_be_made_is_a_line_and_not_the_end(data: Path) -> None:
    found = audit.audit(Breakhis(partial=True), data, Split(protocol="accession-cv9"), 9)
    assert "use fewer folds" in found.problem.lower()
    assert any("Use fewer folds" in line for line in audit.as_lines(found))
    assert len(found.counts) == 4


def test_a_data_set_that_cannot_be_read_is_an_error(data: Path) -> None:
    with pytest.raises(InputError, match="partial"):
        audit.audit(Breakhis(), data, Split(), 1)


def test_many_findings_are_cut_and_counted() -> None:
    rows = pd.DataFrame(
        {
            **{name: "x" for name, column in tables.MANIFEST.items() if column.dtype == "string"},
            **{name: 0 for name, column in tables.MANIFEST.items() if column.dtype == "int64"},
            "path": [f"{i}.png" for i in range(50)],
        }
    )
    lines = audit.as_lines(audit.summarise("t", tables.check(rows, tables.MANIFEST), tables.empty(tables.FOLDS)))
    assert "Findings: 50" in lines
    assert "  ... and 30 more" in lines
    assert sum(".png: x" in line for line in lines) == 20
    assert "  none" in lines


def test_the_leaks_of_an_official_fold_on_all_of_breakhis() -> None:
    rows = [
        {
            "group": k.accession,
            "slide": k.slide,
            "subtype": SUBTYPES[k.type][1],
            "magnification": x,
            "label": y,
        }
        for k in facts.breakhis().itertuples()
        for x in (40, 100, 200, 400)
        for y in [int(SUBTYPES[k.type][0] == "malignant")] * getattr(k, f"n{x}")
    ]
    rest = {"width": 700, "height": 460, "given_split": "", "finding": ""}
    named = {"image_id": [f"{i:064x}" for i in range(7909)], "path": [f"{i}.png" for i in range(7909)]}
    whole = tables.check(pd.DataFrame(rows).assign(**rest, **named), tables.MANIFEST)
    folds = splits.assign(whole, Split(protocol="official-1", leak=True), 1)
    found = audit.summarise("BreakHis", whole, folds)
    assert found.counts["images"].tolist() == [625, 644, 623, 588, 1370, 1437, 1390, 1232]
    leaked = found.leaks.set_index(["identity", "split"])
    assert leaked.loc[("group", "test"), "images"] == 2904
    test, rest = folds[folds["split"] == "test"], folds[folds["split"] != "test"]
    assert test["group"].isin(rest["group"]).sum() == 1145
    trained = set(folds.loc[folds["split"] == "train", "group"])
    assert leaked.loc[("group", "test"), "leaked"] == sum(group in trained for group in test["group"]) > 500
    assert leaked.loc[("slide", "test"), "leaked"] in (0, 123)  # slide 14-13412, unless its twin validates
    assert "2904" in "\n".join(audit.as_lines(found))


def test_the_real_subset(real_data: Path) -> None:
    settings = {
        "columns": {"path": "file", "label": "class", "group": "patient_id"},
        "labels": {"idc": 1, "non_idc": 0},
    }
    found = audit.audit(Folder(root="idc_subset", magnification=40, **settings), real_data, Split(), 1)
    assert found.counts["images"].tolist() == [5286, 1906]
    assert found.counts["groups"].tolist() == [197, 186]
