from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustgan import config, tables
from robustgan.datasets.synthetic import Synthetic
from robustgan.errors import InputError
from robustgan.journal import silent


def made(root: Path, dataset: Synthetic) -> pd.DataFrame:
    dataset.make(root, silent)
    return tables.check(dataset.manifest(root, silent), tables.MANIFEST)


def test_the_loader_of_breakhis_reads_what_the_simulator_writes(tmp_path: Path) -> None:
    dataset = Synthetic(patients=3, fields=2, width=48, height=32)
    root = dataset.locate(tmp_path / "data", tmp_path / "stage")
    assert root.parent == tmp_path / "stage"
    rows = made(root, dataset)
    assert len(rows) == 3 * 2 * 4
    assert sorted(rows["magnification"].unique()) == [40, 100, 200, 400]
    assert rows.groupby("group")["label"].nunique().eq(1).all()
    assert rows["group"].nunique() == 3
    assert rows["group"].str.startswith("99-").all()
    assert (rows["finding"] == "").all()
    assert (rows["width"].unique().tolist(), rows["height"].unique().tolist()) == ([48], [32])


def test_settings_survive_a_round_trip_and_say_it_all() -> None:
    dataset = config.plugin("datasets", {"kind": "synthetic", "patients": 12, "malignant": "1/4"})
    assert config.plugin("datasets", dataset.settings()) == dataset
    assert isinstance(dataset, Synthetic)
    assert dataset.fingerprint(Path("nowhere")) == ""


@pytest.mark.parametrize("wrong", [{"patients": 1}, {"fields": 0}, {"malignant": 1.0}, {"width": 8}, {"patient": 9}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        config.plugin("datasets", {"kind": "synthetic", **wrong})


def told_by_colour(colours: np.ndarray, rows: pd.DataFrame) -> float:
    """Balanced accuracy of a linear probe on patients that it has not seen, of all subtypes in fair shares.

    Patients take turns by subtype: folds that do not mix them would ask for subtypes that were never learned, and
    find less than chance.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    folds = StratifiedGroupKFold(10, shuffle=True, random_state=0)
    guess = cross_val_predict(probe, colours, rows["label"], groups=rows["group"], cv=folds)
    return float(balanced_accuracy_score(rows["label"], guess))


@pytest.mark.slow
def test_mean_colour_does_not_tell_the_classes_apart(tmp_path: Path) -> None:
    rows = made(tmp_path, Synthetic(patients=192, fields=1, width=64, height=42))
    colours = np.stack([np.asarray(Image.open(tmp_path / path), float).mean((0, 1)) for path in rows["path"]])
    assert told_by_colour(colours, rows) < 0.65
    for magnification in (40, 100, 200, 400):
        seen = (rows["magnification"] == magnification).to_numpy()
        assert told_by_colour(colours[seen], rows[seen]) < 0.68, magnification
    dyed = colours + 25 * rows["label"].to_numpy()[:, None] * [1, -1, 0]
    assert told_by_colour(dyed, rows) > 0.75  # the probe would have seen a dye that goes with the disease
