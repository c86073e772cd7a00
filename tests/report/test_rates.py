"""Rates of images from scratch: how far the search is above what oracles get wrong on real patients."""

import dataclasses
import math

import pandas as pd
import pytest

from robustgan.metrics.estimates import FEWEST
from robustgan.report.document import Table
from robustgan.report.folder import Folder, read, records
from robustgan.report.sections import rates
from robustgan.report.words import points

from . import planted


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = planted.build(tmp_path_factory.mktemp("rates") / "one", repeats=1, levels=(8,), magnifications=(40,))
    rows = planted.generated()
    mistaken = (rows["mode"] == "real") & (rows.index % 20 == 0)  # all oracles are sure of the other label
    rows.loc[mistaken, ["oracle_low", "oracle_mean", "oracle_high"]] = 0.02
    return dataclasses.replace(read(path), generated=rows.assign(accepted=rows["oracle_low"] >= 0.9))


def above(folder: Folder) -> dict[str, str]:
    """What stands in the column, pooled, by label."""
    (identity,) = records(folder.fooling[["model", "attack", "seed"]].drop_duplicates())
    table = next(rates.tables(folder, folder.fooling, identity, rates.COLUMNS))
    assert isinstance(table, Table)
    place = table.columns.index("Searched minus oracle floor, points")
    return {row[1].text: row[place].text for row in table.rows}


def reading(folder: Folder, mode: str, metric: str, label: str) -> tuple[float, float, float]:
    rows = folder.fooling.query("magnification == 'pooled' and mode == @mode and metric == @metric and label == @label")
    (row,) = records(rows)
    return row["value"], row["low"], row["high"]


@pytest.mark.parametrize("label", ["benign", "malignant", "both"])
def test_the_search_stands_above_the_floor_by_a_difference_of_independent_shares(folder: Folder, label: str) -> None:
    fooled, least, most = reading(folder, "searched", "fooling_rate", label)
    floor, below, beyond = reading(folder, "real", "oracle_floor", label)
    assert fooled - floor > 0.3
    low = fooled - floor - math.hypot(fooled - least, beyond - floor)  # Newcombe, method 10
    high = fooled - floor + math.hypot(most - fooled, floor - below)
    assert above(folder)[label] == points(fooled - floor, low, high)
    assert high - low > most - least  # the floor is not known exactly either


def test_a_floor_of_too_few_patients_gives_a_difference_without_an_interval(folder: Folder) -> None:
    rows = folder.generated
    few = rows["group"].where(rows["mode"] != "real", "14-" + (rows.index % (FEWEST - 1)).astype(str))
    fooled, floor = (reading(folder, *pair, "both")[0] for pair in (rates.SEARCHED, rates.FLOOR))
    assert above(dataclasses.replace(folder, generated=rows.assign(group=few)))["both"] == points(fooled - floor)


def test_where_nothing_was_searched_or_nothing_real_was_judged_there_is_no_difference(folder: Folder) -> None:
    for mode in ("searched", "real"):
        part: pd.DataFrame = folder.generated[folder.generated["mode"] != mode]
        with pytest.raises(ValueError, match="not in tuple"):
            above(dataclasses.replace(folder, generated=part))
    none = folder.generated["accepted"] & (folder.generated["mode"] != "searched")
    assert above(dataclasses.replace(folder, generated=folder.generated.assign(accepted=none)))["both"] == "n/a (n = 0)"
