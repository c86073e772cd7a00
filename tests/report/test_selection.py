"""Images made from scratch: every control stands beside the search, and nothing is read where labels do not hold."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustgan import tables
from robustgan.report import selection
from robustgan.report.document import Table
from robustgan.report.folder import read
from robustgan.report.render import render
from robustgan.report.sections import generated, rates
from robustgan.statistics import wilson

from . import planted

RATES = ("Fooling rate", "Victim wrong", "sensitivity and specificity on accepted", "Selection curve", "it gets wrong")


def section(folder: Path) -> str:
    text = (folder / "report.md").read_text("utf-8")
    return text[text.index("## Images made from scratch") : text.index("## Threat model")]


def test_the_curve_is_what_a_reader_would_count() -> None:
    sure = np.array([0.5, 0.62, 0.7, 0.9, 0.95, 0.2])
    wrong = np.array([1, 1, 0, 1, 0, 1])
    rows = pd.DataFrame({"oracle_low": sure, "pred": wrong, "label": 0})
    curve = selection.curve_of(rows, "natural")
    for threshold, accepted, fooled in ((0.5, 5, 3), (0.62, 4, 2), (0.9, 2, 1), (0.93, 1, 0)):
        i = selection.THRESHOLDS.index(threshold)
        assert curve.rate[i] == pytest.approx(fooled / accepted)
        assert curve.kept[i] == pytest.approx(accepted / 6)
        assert (curve.low[i], curve.high[i]) == tuple(wilson(fooled, accepted))
    assert math.isnan(curve.rate[-1])
    assert curve.kept[-1] == 0
    assert all(
        math.isnan(low) for low in selection.curve_of(rows, "real").low
    )  # patients: no band of independent draws


def test_the_curve_at_the_used_threshold_is_the_table(rendered: Path) -> None:
    folder = read(rendered)
    pooled = folder.fooling.query("magnification == 'pooled' and label == 'both'").set_index(["mode", "metric"])
    for mode in selection.MODES:
        curve = selection.curve_of(folder.generated[folder.generated["mode"] == mode], mode)
        i = selection.THRESHOLDS.index(0.9)
        assert curve.rate[i] == pytest.approx(pooled.loc[(mode, "fooling_rate"), "value"])
        assert curve.kept[i] == pytest.approx(pooled.loc[(mode, "yield"), "value"])


def test_natural_walked_searched_and_the_floor_stand_side_by_side(rendered: Path) -> None:
    text = section(rendered)
    for mode in ("natural", "walked", "searched"):
        assert f"Fooling rate, {mode}" in text
        assert f"Yield, {mode}" in text
    assert "Victim wrong, real" in text
    assert re.search(r"!\[Fooling rate \(yield\)[^\]]*walked: 0\.5 [^\]]*\]\(figures/selection-dcgan\.png\)", text)
    assert "after random steps as long as those of the search, " in (rendered / "report.md").read_text("utf-8")


@pytest.mark.parametrize(("share", "shown"), [(0.85, True), (0.7, False), (math.nan, False)])
def test_no_rate_is_shown_anywhere_where_labels_do_not_hold(tmp_path: Path, share: float, shown: bool) -> None:
    folder = planted.build(tmp_path / "one", repeats=1, levels=(8,), magnifications=(40,))
    made = tables.read(folder / "generated.parquet", tables.GENERATED)
    if math.isnan(share):  # nothing was judged without a selection
        made = made[made["mode"] != "natural"]
    else:
        made["oracle_mean"] = 0.9 * (made.groupby("mode").cumcount() % 100 < 100 * share)
    tables.write(made, tables.GENERATED, folder / "generated.parquet")
    render(folder)
    written = [(folder / "report.md").read_text("utf-8"), (folder / "report.html").read_text("utf-8")]
    if shown:
        assert all(rate in written[0] for rate in RATES)
    else:
        for text in written:
            assert not [rate for rate in RATES if rate in text.split("Images made from scratch", 1)[1]]
    assert (folder / "figures" / "selection-dcgan.png").exists() == shown
    assert ("Fooling rate" in (folder / "tables" / "fooling.tex").read_text("utf-8")) == shown


def test_of_two_generators_only_the_faithful_one_has_rates(tmp_path: Path) -> None:
    folder = planted.build(tmp_path / "two", repeats=1, levels=(8,), magnifications=(40,))
    made = tables.read(folder / "generated.parquet", tables.GENERATED)
    both = pd.concat([made, made.assign(attack="blind", oracle_mean=0.4)], ignore_index=True)
    tables.write(both, tables.GENERATED, folder / "generated.parquet")
    render(folder)
    assert sorted(path.name for path in (folder / "figures").glob("selection-*")) == ["selection-dcgan.png"]
    text = section(folder)
    assert text.count("Fooling rate, natural") == 2  # pooled, and at each magnification
    assert "Of 2 generators of images from scratch, label-faithful: 1;" in (folder / "report.md").read_text("utf-8")


def test_corrected_rates_stand_beside_naive_ones_with_a_sentence(tmp_path: Path) -> None:
    folder = read(planted.build(tmp_path / "one"))
    who = {"model": "densenet", "attack": "dcgan", "seed": 0}
    rows = folder.fooling[~folder.fooling["metric"].str.endswith("_corrected")]
    naive = rows[rows["metric"] == "sensitivity"]
    more = naive.assign(metric="sensitivity_corrected", value=math.nan, note="not corrected: planted")
    table, apart, sentence = rates.recognised(folder, pd.concat([rows, more]), who)
    assert isinstance(table, Table)
    assert table.columns[2:4] == ("Sensitivity", "Sensitivity, corrected")
    assert {row[3].text for row in table.rows} == {"n/a (not corrected: planted)"}
    assert [row[1].text.split(" ")[0] for row in table.rows] == ["real", "natural", "walked", "searched"]
    assert isinstance(apart, Table)
    assert apart.folded
    assert "wrong labels taken out" in sentence.text  # type: ignore[union-attr]
    assert len(list(rates.recognised(folder, rows, who))) == 2


def test_pictures_of_walks_and_of_progress_are_shown_where_they_are(rendered: Path, tmp_path: Path) -> None:
    assert "the same latent vectors at looks" not in section(rendered)
    folder = planted.build(tmp_path / "one")
    for stem in ("walk", "progress"):
        planted.picture(folder / "evidence" / "sheets" / f"dcgan-fold1-{stem}.png", 3)
    blocks = generated.section(read(folder)).blocks
    shown = [picture.path for block in blocks for picture in getattr(block, "pictures", ())]
    assert "evidence/sheets/dcgan-fold1-walk.png" in shown
    assert "evidence/sheets/dcgan-fold1-progress.png" in shown
