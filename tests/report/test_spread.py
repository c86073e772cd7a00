"""Heterogeneity: counted patient by patient, per 100 malignant images, with both n."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustgan.report.document import Figure, Table
from robustgan.report.folder import Folder, read
from robustgan.report.sections import spread

from . import planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("spread") / "planted"
    return read(planted.build(path, patients=10, levels=(8,), magnifications=(40, 400)))


def test_missed_cancers_per_hundred_are_those_of_the_rows(folder: Folder) -> None:
    table = next(block for block in spread.section(folder).blocks if isinstance(block, Table))
    row = next(row for row in table.rows if (row[0].text, row[1].text) == ("PGD 8/255", "pooled"))
    rows = folder.predictions
    mine = rows[(rows["attack"] == "pgd") & (rows["norm"] == "linf") & (rows["label"] == 1)]
    clean, attacked = (1 - mine[name].mean() for name in ("clean_pred", "pred"))
    assert [cell.order for cell in row[2:5]] == pytest.approx([clean, attacked, attacked - clean])
    assert row[2].text.startswith(f"{100 * clean:.1f} (")
    assert row[2].hint == f"{len(mine)} malignant images of 10 patients"


def test_shares_of_patients_are_paired() -> None:
    rows = pd.DataFrame({
        "group": ["a", "b", "a", "b"], "label": 1, "clean_pred": [1, 1, 0, 1], "pred": [0, 1, 0, 0],
    })  # fmt: skip
    clean, attacked = spread.shares(rows)
    assert np.array_equal(clean, [0.5, 1.0])
    assert np.array_equal(attacked, [0.0, 0.5])


def test_figures_say_their_numbers_with_n(folder: Folder) -> None:
    figure = next(block for block in spread.section(folder).blocks if isinstance(block, Figure))
    assert [picture.path for picture in figure.pictures] == [
        "figures/forest.png", "figures/patients-malignant.png", "figures/patients-benign.png"
    ]  # fmt: skip
    assert "40X: Noise" in figure.pictures[0].alt
    assert "of 20 images" in figure.pictures[0].alt
    assert "10 patients; median share right" in figure.pictures[1].alt


def test_a_classifier_that_does_not_work_has_no_spread(tmp_path: Path) -> None:
    bad = read(planted.build(tmp_path / "bad", patients=6, repeats=1, right=0.5, levels=(8,), magnifications=(40,)))
    assert [type(block).__name__ for block in spread.section(bad).blocks] == ["Paragraph"]
