import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from robustgan import config, images
from robustgan.config import read_yaml
from robustgan.datasets import _survey
from robustgan.datasets.folder import Folder
from robustgan.errors import InputError
from robustgan.experiment import experiment
from robustgan.journal import silent
from robustgan.shipped import config_path
from robustgan.stage import Place
from robustgan.stages import stages

SETTINGS = {
    "kind": "folder",
    "root": "set",
    "columns": {"path": "file", "label": "class", "group": "patient_id"},
    "labels": {"idc": 1, "non_idc": 0},
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder `set` of six images of three patients, one of them of another size."""
    root = tmp_path / "set"
    (root / "sub").mkdir(parents=True)
    rows = []
    for i in range(6):
        name = f"sub/<script>alert({i})<|script>.png" if i == 3 else f"image {i}.png"
        size = (3, 9) if i == 4 else (8, 8)
        images.to_png(np.random.default_rng(i).integers(0, 256, (*size, 3), np.uint8), root / name)
        rows.append({"file": name, "class": ("idc", "non_idc")[i % 2], "patient_id": f"{i // 2:03}", "x": i})
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return tmp_path


def dataset(**changes: Any) -> Folder:
    built = config.plugin("datasets", {**SETTINGS, **changes})
    assert isinstance(built, Folder)
    return built


def listed(data: Path, **changes: Any) -> pd.DataFrame:
    one = dataset(**changes)
    return one.manifest(one.locate(data, data), silent)


def change(data: Path, **cells: Any) -> None:
    """Set cells of the manifest's second row, or add columns."""
    path = data / "set/manifest.csv"
    frame = pd.read_csv(path, dtype=str)
    for name, value in cells.items():
        if name not in frame:
            frame[name] = ""
        frame.loc[1, name] = value
    frame.to_csv(path, index=False)


def test_columns_and_labels_are_mapped(data: Path) -> None:
    found = listed(data, magnification=40)
    assert found["label"].tolist() == [1, 0, 1, 0, 1, 0]
    assert found["group"].tolist() == ["000", "000", "001", "001", "002", "002"]  # not the numbers 0, 1, 2
    assert found["slide"].tolist() == found["group"].tolist()
    assert (found["magnification"] == 40).all()
    assert found.loc[4, ["width", "height"]].tolist() == [9, 3]
    assert (found["finding"] == "").all()


def test_a_hostile_name_passes_unharmed(data: Path) -> None:
    assert listed(data)["path"][3] == "sub/<script>alert(3)<|script>.png"


def test_settings_survive_a_round_trip() -> None:
    one = dataset(labels={0: 0, 1: 1}, citation="Somebody 2020")
    assert config.plugin("datasets", one.settings()) == one
    assert one.labels == {"0": 0, "1": 1}
    assert one.source == "Somebody 2020"


def test_optional_columns(data: Path) -> None:
    frame = pd.read_csv(data / "set/manifest.csv", dtype=str)
    frame = frame.assign(
        mag=["40X", "100x", "200", "400X", "40", "40"], kind="ductal", side="test", slide=list("abcdef")
    )
    frame.to_csv(data / "set/manifest.csv", index=False)
    columns = {
        **SETTINGS["columns"],
        "magnification": "mag",
        "subtype": "kind",
        "split": "side",
        "slide": "slide",
    }
    found = listed(data, columns=columns)
    assert found["magnification"].tolist() == [40, 100, 200, 400, 40, 40]
    assert set(found["subtype"]) == {"ductal"}
    assert set(found["given_split"]) == {"test"}
    assert found["slide"].tolist() == list("abcdef")


def test_a_twin_keeps_its_row_and_gets_a_finding(data: Path) -> None:
    shutil.copy(data / "set/image 0.png", data / "set/image 2.png")  # both malignant
    found = listed(data)
    assert found["finding"].tolist() == ["", "", "duplicate of image 0.png", "", "", ""]


def test_twins_with_different_labels_are_both_set_apart(data: Path) -> None:
    shutil.copy(data / "set/image 0.png", data / "set/image 1.png")
    both = "the same image stands under both labels"
    assert listed(data)["finding"].tolist() == [both, both, "", "", "", ""]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"file": "../outside.png"}, r"paths that leave .* \(1\)"),
        ({"file": "/etc/passwd"}, "paths that leave"),
        ({"file": "nowhere.png"}, r"files that are not there \(1\)"),
        ({"file": "sub"}, "files that are not there"),
        ({"file": "image 0.png"}, "paths that stand in several rows"),
        ({"file": ""}, "rows without a path"),
        ({"patient_id": ""}, r"rows without a patient .* \(1\):\n  row 3"),
        ({"patient_id": "NaN"}, "rows without a patient"),
        ({"class": "non-idc"}, "found 'non-idc' in 1 rows. Allowed: idc, non_idc. Did you mean `non_idc`"),
        ({"class": ""}, "found ''"),
    ],
)
def test_a_bad_row(data: Path, cells: dict[str, str], message: str) -> None:
    images.to_png(np.zeros((4, 4, 3), np.uint8), data / "outside.png")
    change(data, **cells)
    with pytest.raises(InputError, match=message):
        listed(data)


def test_a_link_that_leaves_the_root(data: Path) -> None:
    images.to_png(np.zeros((4, 4, 3), np.uint8), data / "outside.png")
    (data / "set/image 1.png").unlink()
    (data / "set/image 1.png").symlink_to(data / "outside.png")
    with pytest.raises(InputError, match=r"paths that leave .* \(1\):\n  image 1.png"):
        listed(data)


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("magnification", {"m": "40 or so"}, "row 3: found '40 or so'"),
        ("split", {"m": "trian"}, "found 'trian' in 1 rows. Allowed: test, train, val. Did you mean `train`"),
    ],
)
def test_a_bad_value_in_an_optional_column(data: Path, column: str, cells: dict[str, str], message: str) -> None:
    change(data, m="40" if column == "magnification" else "train")
    frame = pd.read_csv(data / "set/manifest.csv", dtype=str).assign(m="40" if column == "magnification" else "train")
    frame.to_csv(data / "set/manifest.csv", index=False)
    change(data, **cells)
    with pytest.raises(InputError, match=message):
        listed(data, columns={**SETTINGS["columns"], column: "m"})


def test_a_missing_column_names_the_nearest(data: Path) -> None:
    with pytest.raises(InputError, match=r"no column `patient`. Allowed: .*Did you mean `patient_id`"):
        listed(data, columns={**SETTINGS["columns"], "group": "patient"})
    with pytest.raises(InputError, match="no column `patients`"):
        listed(data, columns={**SETTINGS["columns"], "slide": "patients"})


def test_settings_with_typos() -> None:
    with pytest.raises(InputError, match="Did you mean `group`"):
        dataset(columns={"goup": "x"})
    with pytest.raises(InputError, match=r"labels\.idc"):
        dataset(labels={"idc": 2, "non_idc": 0})
    with pytest.raises(InputError, match="root"):
        config.plugin("datasets", {"kind": "folder"})


def test_one_class(data: Path) -> None:
    frame = pd.read_csv(data / "set/manifest.csv", dtype=str)
    frame[frame["class"] == "idc"].to_csv(data / "set/manifest.csv", index=False)
    with pytest.raises(InputError, match="only malignant images"):
        listed(data)


def test_a_manifest_that_is_none(data: Path) -> None:
    path = data / "set/manifest.csv"
    with pytest.raises(InputError, match="no such file"):
        listed(data, csv="other.csv")
    path.write_text("file,class,patient_id\n")
    with pytest.raises(InputError, match="lists no image"):
        listed(data)
    path.write_text("")
    with pytest.raises(InputError, match="cannot be read as CSV"):
        listed(data)
    path.write_bytes(b"file,class\n\xff\xfe,\x00\n")
    with pytest.raises(InputError, match="cannot be read as CSV"):
        listed(data)
    with pytest.raises(InputError, match="no folder"):
        listed(data, root="elsewhere")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ('"image, 0.png",idc,7', ("image, 0.png", 1, "7")),
        ('\n   \n"image, 0.png",idc,7', ("image, 0.png", 1, "7")),  # blank lines are no rows
        ('"image, 0.png", idc\t,\t7', ("image, 0.png", 1, "7")),
    ],
)
def test_a_row_is_read_as_spreadsheets_write_it(data: Path, row: str, found: tuple[str, int, str]) -> None:
    path = data / "set/manifest.csv"
    (data / "set/image 0.png").rename(data / "set/image, 0.png")
    path.write_text(path.read_text("utf-8").replace("image 0.png,idc,000,0", row), "utf-8")
    assert tuple(listed(data).loc[0, ["path", "label", "group"]]) == found


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("image, 0.png,idc,000,0", "row 2 holds 5 values for 4 columns"),  # what follows would be read as other columns
        ('"image 0.png,idc,000,0', "cannot be read as CSV"),  # all rows up to the next quote would be one
        ("image 0.png,idc", r"rows without a patient .* \(1\):\n  row 2"),
    ],
)
def test_a_row_that_does_not_fit_its_header_is_refused(data: Path, row: str, message: str) -> None:
    path = data / "set/manifest.csv"
    path.write_text(path.read_text("utf-8").replace("image 0.png,idc,000,0", row), "utf-8")
    with pytest.raises(InputError, match=message):
        listed(data)


def test_of_columns_with_one_name_the_first_counts(data: Path) -> None:
    path = data / "set/manifest.csv"
    path.write_text(path.read_text("utf-8").replace("patient_id,x", "patient_id,class"), "utf-8")
    assert listed(data)["label"].tolist() == [1, 0, 1, 0, 1, 0]


def test_a_link_within_the_root_and_a_folder_that_is_one_are_told_apart_from_those_that_leave(data: Path) -> None:
    root = data / "set"
    (root / "image 1.png").rename(root / "sub/real.png")
    (root / "image 1.png").symlink_to("sub/real.png")
    assert len(listed(data)) == 6
    shutil.copytree(root / "sub", data / "elsewhere")
    shutil.rmtree(root / "sub")
    (root / "sub").symlink_to(data / "elsewhere")
    with pytest.raises(InputError, match=r"paths that leave .* \(2\):\n  image 1.png\n  sub/<script>"):
        listed(data)


def test_a_plan_hashes_images_and_loads_no_table_or_image_package(data: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump({**read_yaml(config_path("smoke")), "dataset": SETTINGS}))
    plan = ["plan", str(tmp_path / "plan.yaml"), "--data", str(data), "--out", str(tmp_path)]
    words = [sys.executable, "-X", "importtime", "-m", "robustgan", *plan]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "robustgan.datasets._survey" in loaded  # its own module is loaded as a plug-in: Python does not list it
    assert not loaded & {"pandas.core", "numpy._core", "PIL.Image", "pyarrow.lib"}


def test_every_unusable_image_is_listed(data: Path) -> None:
    (data / "set/image 0.png").write_bytes(b"")
    (data / "set/image 5.png").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match=r"cannot be used \(2\)"):
        listed(data)


def test_the_fingerprint_follows_the_manifest_and_the_images(data: Path) -> None:
    one, root = dataset(), data / "set"
    before = one.fingerprint(root)
    (root / "unlisted.png").write_bytes(b"x")
    assert one.fingerprint(root) == before
    change(data, x="9")
    changed = one.fingerprint(root)
    assert changed != before
    (root / "image 0.png").write_bytes(b"x")
    assert one.fingerprint(root) != changed


def test_the_fingerprint_is_that_of_names_and_bytes_however_many_threads_and_files(data: Path) -> None:
    """The digest that keys hold: of `path NUL sha256` lines, in order; threads take 32 files each."""
    names = [f"{i:03} ä.bin" for i in range(2 * _survey.AT_ONCE + 5)]
    for name in names:
        (data / name).write_bytes(name.encode())
    lines = "".join(f"{name}\0{hashlib.sha256(name.encode()).hexdigest()}\n" for name in names)
    assert _survey.fingerprint(data, names) == hashlib.sha256(lines.encode()).hexdigest()


def test_the_real_subset(real_data: Path) -> None:
    one = dataset(root="idc_subset", magnification=40)
    found = one.manifest(one.locate(real_data, real_data), silent)
    assert found.groupby("label").size().tolist() == [5286, 1906]
    assert found["group"].nunique() == 199
    assert (found["finding"] == "").all()
    assert ((found["width"] != 50) | (found["height"] != 50)).sum() == 65
    expected = pd.read_csv(real_data / "idc_subset/manifest.csv")
    assert found["image_id"].tolist() == expected["sha256"].tolist()


def test_other_bytes_of_the_same_size_and_time_are_decoded_anew(data: Path) -> None:
    image = data / "set/image 0.png"
    images.to_png(np.full((8, 8, 3), 7, np.uint8), image)  # alike, so that both files have the same size
    before, key = image.stat(), decoding(data)
    assert decoding(data) == key
    images.to_png(np.full((8, 8, 3), 8, np.uint8), image)
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (image.stat().st_size, image.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert decoding(data) != key


def decoding(data: Path) -> str:
    """The key of the stage that decodes the images."""
    settings = {**read_yaml(config_path("smoke")), "dataset": SETTINGS}
    return next(s.key for s in stages(experiment(settings), Place(data, data)) if s.kind == "pixels")
