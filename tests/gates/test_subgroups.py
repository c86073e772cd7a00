"""The worst subgroup decides."""

import numpy as np
import pytest

from robustgan.gates import Run
from tests.gates import cases


def test_the_worst_kind_of_tumour_is_named() -> None:
    rows = cases.predictions()
    wrong = (rows["subtype"] == "papillary_carcinoma").to_numpy()
    rows = rows.assign(
        clean_pred=np.where(wrong, 0, rows["clean_pred"]), pred=np.where(wrong, 0, rows["pred"]),
        clean_score=np.where(wrong, 0.1, rows["clean_score"]), score=np.where(wrong, 0.1, rows["score"]),
    )  # fmt: skip
    found = {row.scope: row for row in cases.judged(cases.run(rows), kind="subgroup_accuracy", limit=0.5, bound="low")}
    assert found["worst subtype"].status == "fail"
    assert "papillary_carcinoma is the worst of 4" in found["worst subtype"].reason
    assert found["worst subtype"].observed == 0
    assert found["worst magnification"].observed == 0.75


def test_under_attack(robust: Run, broken: Run) -> None:
    for found, limit, status in ((robust, 0.7, "pass"), (broken, 0.8, "fail")):
        rows = cases.judged(found, kind="subgroup_robust_accuracy", limit=limit, bound="low")
        assert {row.scope: row.status for row in rows} == {
            f"worst {kind}, worst-case any budget": status for kind in ("magnification", "subtype")
        }
        assert all(row.robustness for row in rows)


def test_a_failing_subgroup_is_not_hidden_by_one_that_is_lower_but_small() -> None:
    rows = cases.predictions(falls=0.5)
    tiny = rows["group"].isin(rows["group"].unique()[:3])
    rows = rows.assign(subtype=rows["subtype"].where(~tiny, "rare"), pred=rows["pred"].where(~tiny, 1 - rows["label"]))
    (row,) = cases.judged(cases.run(rows), kind="subgroup_robust_accuracy", limit=0.9, bound="low", by=["subtype"])
    assert row.status == "fail"
    assert not row.reason.startswith("rare")


GATES = [
    {"kind": "subgroup_accuracy", "limit": 0.5, "bound": "low"},
    {"kind": "subgroup_robust_accuracy", "limit": 0.5, "bound": "low"},
]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate["kind"])
def test_unknown_subtypes_are_not_a_pass(gate: dict[str, object]) -> None:
    (row,) = cases.judged(cases.run(cases.predictions().assign(subtype="")), **gate, by=["subtype"])
    assert row.status == "indeterminate"


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate["kind"])
def test_data_without_magnifications_are_one_group(gate: dict[str, object]) -> None:
    for falls, limit, status in ((0.0, 0.5, "pass"), (0.5, 1.0, "fail")):
        rows = cases.predictions(right=1 - falls / 2, falls=falls).assign(magnification=0)
        (row,) = cases.judged(cases.run(rows), **{**gate, "limit": limit}, by=["magnification"])
        assert row.status == status
        assert row.reason.startswith("no image has a known magnification, so all are one group")


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate["kind"])
@pytest.mark.parametrize("known", [(400,), (40, 400)])
def test_where_only_some_magnifications_are_known_nothing_passes(gate: dict[str, object], known: tuple[int]) -> None:
    rows = cases.predictions()
    lost = (rows["group"] == rows["group"].iloc[0]) | ~rows["magnification"].isin(known)
    rows = rows.assign(magnification=rows["magnification"].where(~lost, 0))
    (row,) = cases.judged(cases.run(rows), **{**gate, "limit": 0, "bound": "point"}, by=["magnification"])
    assert row.status == "indeterminate"
    worse = rows.assign(pred=1 - rows["label"], clean_pred=1 - rows["label"])
    (row,) = cases.judged(cases.run(worse), **{**gate, "limit": 0.9, "bound": "point"}, by=["magnification"])
    assert row.status == "fail"
