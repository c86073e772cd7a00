"""Do labels hold? The worse of two classes decides; a class and magnification whose labels do not has no rate."""

import dataclasses
import math
from pathlib import Path

import pandas as pd
import pytest

from robustgan import metrics, tables
from robustgan.metrics.generated import FAITHFUL
from robustgan.report import markdown
from robustgan.report.document import Document, Section, Table
from robustgan.report.faithfulness import seen, worse
from robustgan.report.folder import Folder, read
from robustgan.report.render import render
from robustgan.report.sections import generated, headline, rates

from . import planted

HEADS = (*rates.COLUMNS.values(), rates.ABOVE)
KEPT = {*rates.LABELS.values(), rates.COLUMNS[("real", "fooling_rate")]}


def planted_with(right: dict[tuple[int, int], float], otherwise: float = 1.0) -> pd.DataFrame:
    """GENERATED rows whose oracles are right in a share of natural images; 40 of each label and magnification."""
    rows = planted.generated()
    cells = ["mode", "label", "magnification"]
    place = rows.groupby(cells).cumcount() / rows.groupby(cells)["label"].transform("size")
    wanted = pd.Series(
        [right.get(pair, otherwise) for pair in zip(rows["label"], rows["magnification"], strict=True)], rows.index
    )
    return rows.assign(oracle_mean=0.95 * (place < wanted))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = planted.build(tmp_path_factory.mktemp("bare") / "one", repeats=1, levels=(8,), magnifications=(40,))
    return read(path)


def shown(bare: Folder, rows: pd.DataFrame) -> tuple[Folder, Section]:
    folder = dataclasses.replace(bare, generated=rows)
    return folder, generated.section(folder)


def lines(section: Section, which: int) -> list[dict[str, str]]:
    """The rows of a table, each cell by the head of its column."""
    table = [block for block in section.blocks if isinstance(block, Table)][which]
    return [dict(zip(table.columns, (cell.text for cell in row), strict=True)) for row in table.rows]


def test_a_good_class_does_not_hide_a_bad_one(bare: Folder) -> None:
    bad = {(1, scale): 0.625 for scale in planted.MAGNIFICATIONS}
    folder, section = shown(bare, planted_with(bad))
    pooled = metrics.fooling(folder.generated).query("metric == 'oracle_accuracy' and magnification == 'pooled'")
    assert pooled.query("mode == 'natural' and label == 'both'")["value"].item() > FAITHFUL
    found = worse(folder.fooling)
    assert (found.label, found.share) == ("malignant", pytest.approx(0.625))
    text = markdown.text(Document("", "", (section,)))
    assert "is not label-faithful, and no fooling rate is read" in text
    assert not [head for head in HEADS if head not in rates.LABELS.values() and head in text]
    assert "not label-faithful: its fooling rates are no evidence" in headline.words(folder, "densenet")


def test_rates_of_one_cell_are_blank_and_say_why_where_its_labels_do_not_hold(bare: Folder) -> None:
    _, section = shown(bare, planted_with({(0, 400): 0.5}))
    assert "Fooling rate, natural" in lines(section, 0)[0]
    found = {(line["Magnification"], line["Label"]): line for line in lines(section, 1)}
    assert len(found) == 12  # nothing is dropped
    for (scale, label), line in found.items():
        blank = {head for head in HEADS if line[head] == "n/a (labels do not hold: benign 50.0 %)"}
        assert blank == (set(HEADS) - KEPT if scale == "400X" and label != "malignant" else set()), (scale, label)
    recognised = {(line["Magnification"], line["Images"]): line for line in lines(section, 3)}
    natural = recognised[("400X", "natural")]
    assert "labels do not hold" in natural["Specificity"]
    assert "labels do not hold" in natural["Sensitivity, corrected"]
    assert "labels do not hold" not in natural["Sensitivity"]
    assert "labels do not hold" not in recognised[("400X", "real (the floor)")]["Specificity"]


def test_what_nobody_judged_does_not_hold() -> None:
    rows = metrics.fooling(planted.generated().query("mode != 'natural' or label == 1"))
    assert seen(rows, "malignant").holds
    assert math.isnan(worse(rows).share)
    assert worse(rows).label == "benign"
    assert not worse(rows).holds


def test_the_limit_is_the_one_of_the_issue_and_reaching_it_is_enough(tmp_path: Path) -> None:
    folder = planted.build(tmp_path / "one", repeats=1, levels=(8,), magnifications=(40,))
    for share, text in ((0.8, "That is enough (80.0 % or more)"), (0.775, "That is below 80.0 %")):
        tables.write(planted_with({}, share), tables.GENERATED, folder / "generated.parquet")
        render(folder)
        assert text in (folder / "report.md").read_text("utf-8")
