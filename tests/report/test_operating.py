"""The operating point is shown with one half beside it; calibration where it was measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from robustgan.report import cases as lookup
from robustgan.report.document import Figure, Paragraph, Section, Table
from robustgan.report.folder import Folder, read
from robustgan.report.sections import decision, operating, performance, scope

from . import evidence, planted


def table(section: Section) -> Table:
    return next(block for block in section.blocks if isinstance(block, Table))


def words(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("placed") / "planted"
    planted.build(path, repeats=1, levels=(8,), magnifications=(40,), operating=evidence.OPERATING)
    return read(path)


def test_the_chosen_threshold_and_one_half_stand_side_by_side(placed: Folder) -> None:
    section = operating.section(placed)
    rows = [[cell.text for cell in row][:3] for row in table(section).rows]
    assert rows == [
        ["Clean", "0.25", "the run's"], ["Clean", "0.5", "for comparison"],
        ["PGD 8/255", "0.25", "the run's"], ["PGD 8/255", "0.5", "for comparison"],
    ]  # fmt: skip
    clean = placed.predictions[placed.predictions["attack"] == "clean"]
    for row, threshold in zip(table(section).rows, (0.25, 0.5), strict=False):
        called = clean["score"] >= threshold
        assert row[3].order == pytest.approx(called[clean["label"] == 1].mean())
        assert row[4].order == pytest.approx((~called[clean["label"] == 0]).mean())
    assert "0.25, chosen, on 120 images of 30 patients of the validation sides, before any test image" in words(section)
    assert "sensitivity at least 0.95 on validation patients" in words(section)


def test_the_threshold_is_named_wherever_verdicts_are(placed: Folder) -> None:
    assert "malignant from P(malignant) 0.25" in dict(scope._terms(placed))["Labels"]
    assert "threshold 0.25" in performance.clean_table(placed, "densenet").caption
    assert placed.threshold("another") == 0.5


def test_without_an_operating_point_one_half_stands_alone(tmp_path: Path) -> None:
    bare = read(planted.build(tmp_path / "bare", repeats=1, levels=(8,), magnifications=(40,)))
    section = operating.section(bare)
    assert [row[1].text for row in table(section).rows] == ["0.5", "0.5"]
    assert "No operating point was chosen" in words(section)


def test_reliability_is_drawn_and_read_out(placed: Folder) -> None:
    figure = next(block for block in operating.section(placed).blocks if isinstance(block, Figure))
    rows = placed.calibration[(placed.calibration["attack"] == "pgd") & (placed.calibration["norm"] == "linf")]
    assert set(rows["which"]) == {"clean", "attacked"}
    for which, part in rows.groupby("which"):
        points = ", ".join(f"{row.score:.2f} {row.share:.2f}" for row in part.sort_values("bin").itertuples())
        assert f"{which}, mean P(malignant) and share of malignant images: {points}" in figure.pictures[0].alt
    assert (placed.path / figure.pictures[0].path).is_file()


def test_errors_of_calibration_are_those_of_the_metrics(placed: Folder) -> None:
    case = next(case for case in lookup.cases(placed, "densenet") if case.attack == "pgd" and case.norm == "linf")
    row = lookup.rows_of(placed, case)["image", "pooled", "all", "brier"]
    last = [block for block in operating.section(placed).blocks if isinstance(block, Table)][-1]
    shown = next(line for line in last.rows if (line[1].text, line[2].text) == ("PGD 8/255", "Brier score"))
    assert [cell.order for cell in shown[3:]] == pytest.approx([row["clean"], row["value"], row["images"]])
    assert shown[3].text == f"{row['clean']:.3f} ({row['clean_low']:.3f} to {row['clean_high']:.3f})"
    assert row["value"] > 2 * row["clean"]


def test_decision_curves_are_drawn_and_read_out(placed: Folder) -> None:
    (figure,) = decision.figures(placed)
    (picture,) = figure.pictures
    assert (placed.path / picture.path).exists()
    rows = placed.predictions[(placed.predictions["attack"] == "pgd") & (placed.predictions["norm"] == "linf")]
    called, malignant = rows["clean_score"] >= 0.5, rows["label"] == 1
    benefit = 100 * ((called & malignant).sum() - (called & ~malignant).sum()) / len(rows)
    assert f"at 0.5 clean {benefit:.1f}, attacked -" in picture.alt
    assert f"on {len(rows)} images of {rows['group'].nunique()} patients" in picture.alt
    assert figure in operating.section(placed).blocks


def test_images_of_one_class_have_no_decision_curve(placed: Folder) -> None:
    some = placed.predictions[placed.predictions["label"] == 1]
    assert decision.figures(replace(placed, predictions=some)) == []
