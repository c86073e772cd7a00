"""The rows that are timed are a study: every cell is there, and stronger attacks do more."""

from benchmarks.statistics_speed import predictions
from robustgan import metrics


def test_the_rows_have_the_cells_that_the_benchmark_counts() -> None:
    rows = predictions(attacks=3, patients=30, each=8)
    assert len(rows) == 3 * 30 * 8
    found = metrics.evaluate(rows)
    alone = found[found["attack"] != metrics.WORST]
    assert alone.groupby(["attack", "magnification"]).ngroups == 3 * 5
    pooled = alone[(alone["magnification"] == "pooled") & (alone["unit"] == "image") & (alone["metric"] == "accuracy")]
    assert pooled["value"].is_monotonic_decreasing
    assert pooled["value"].nunique() == 3
