"""Heterogeneity: counted patient by patient, per 100 malignant images, with both n."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustgan.report.document import Figure, Table
from robustgan.report.figures import forest
from robustgan.report.figures.forest import Line
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


def lines(count: int, label: str = "PGD") -> list[Line]:
    return [Line(label, 0.5, 0.4, 0.6, 40, 10, control=False)] * count


def test_a_forest_is_as_high_as_its_lines_and_their_labels() -> None:
    def high(groups: dict[str, list[Line]]) -> float:
        figure = forest.draw(groups, "Drop", forest.span(groups))
        first, *_, last = sorted(tick.get_position()[1] for tick in figure.axes[0].get_yticklabels())
        assert 0 < first < last < figure.axes[0].get_ylim()[0]
        return float(figure.get_size_inches()[1])

    few, many = high({"40X": lines(3)}), high({"40X": lines(43)})
    assert many - few == pytest.approx(40 * forest.ROW)
    two = high({"40X": lines(3, "an attack with a name of two lines")})
    assert two - few == pytest.approx(3 * forest.MORE * forest.ROW)


def test_all_panels_have_the_axis_that_the_widest_needs() -> None:
    wide = Line("FGSM", 0.1, -0.3, 0.9, 40, 10, control=False)
    missing = Line("PGD", math.nan, math.nan, math.nan, 0, 0, control=False)
    assert forest.span({"40X": lines(2), "100X": [wide, missing]}) == (-30 - forest.EDGE, 90 + forest.EDGE)
    assert forest.span({"40X": [missing]}) == (-forest.EDGE, 100 + forest.EDGE)


def test_a_tall_forest_is_taken_apart(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "TALL", 5)
    pictures = list(spread._forest(folder, "densenet"))
    assert [picture.path for picture in pictures] == [
        f"figures/forest-{name}.png" for name in ("40x", "400x", "pooled")
    ]
    assert all((folder.path / picture.path).exists() for picture in pictures)
    assert ["pooled:" in picture.alt for picture in pictures] == [False, False, True]
