"""Fidelity of generators: numbers beside their floors, what the monitor did, and a warning where recall is poor."""

from pathlib import Path
from typing import Any

import pytest

from robustgan.report.document import Items, Table
from robustgan.report.folder import read
from robustgan.report.sections import fidelity

from . import planted


def entry(recall: float, **more: Any) -> dict[str, Any]:
    values = {
        "images": 40, "kid_scatter": 0.12, "kid_scatter_floor": 0.01, "precision": 0.8, "precision_floor": 0.9,
        "recall": recall, "recall_floor": 0.9, "variety": 0.95, "variety_floor": 1.0,
    }  # fmt: skip
    return {
        "status": "ok",
        "reason": "",
        "fidelity": {"extractor": "scatter", "labels": {"benign 40X": values}},
        **more,
    }


@pytest.mark.parametrize(("recall", "warned"), [(0.1, True), (0.6, False)])
def test_poor_recall_is_said(tmp_path: Path, recall: float, warned: bool) -> None:
    action = {"step": 300, "rule": "REGRESSED", "reason": "worse", "action": "rates"}
    made = {"dcgan, fold 1": entry(recall, actions=[action], warnings=[]), "old, fold 1": {"status": "ok"}}
    folder = read(planted.build(tmp_path / "one", generators=made))
    table, _, notes, *warning = fidelity.blocks(folder)
    assert [cell.text for cell in table.rows[0]][:4] == ["dcgan, fold 1", "benign 40X", "0.12", "0.01"]  # type: ignore[union-attr]
    assert "answered with `rates`" in notes.items[0]  # type: ignore[union-attr]
    assert bool(warning) == warned


@pytest.mark.parametrize(
    ("sound", "said"),
    [(3, "of the 3 of 20 states that no rule refused"), (0, "of 20 states, each of which a rule refused")],
)
def test_of_how_many_states_the_kept_one_is_the_best_is_said(tmp_path: Path, sound: int, said: str) -> None:
    made = {"dcgan, fold 1": entry(0.8, step=400, looks={"all": 20, "sound": sound})}
    notes = next(
        block
        for block in fidelity.blocks(read(planted.build(tmp_path / "one", generators=made)))
        if isinstance(block, Items)
    )
    assert f"kept as it was at step 400, the least distant {said}" in notes.items[0]


def test_nothing_is_said_where_nothing_was_measured(tmp_path: Path) -> None:
    assert fidelity.blocks(read(planted.build(tmp_path / "one"))) == []


def test_every_extractor_has_its_distance_and_its_floor(tmp_path: Path) -> None:
    both = entry(0.8)
    both["fidelity"]["extractors"] = ["scatter", "random"]
    both["fidelity"]["labels"]["benign 40X"] |= {"kid_random": 0.34, "kid_random_floor": 0.02}
    folder = read(planted.build(tmp_path / "one", generators={"old, fold 1": entry(0.8), "new, fold 1": both}))
    table = fidelity.blocks(folder)[0]
    assert table.columns[2:6] == ("KID (scatter)", "Floor", "KID (random)", "Floor")  # type: ignore[union-attr]
    old, new = ([cell.text for cell in row][2:7] for row in table.rows)  # type: ignore[union-attr]
    assert new == ["0.12", "0.01", "0.34", "0.02", "80.0"]
    assert old[:2] == ["0.12", "0.01"]
    assert old[2] != "0.34"


def test_the_distance_to_training_images_is_in_units_of_what_real_images_reach(tmp_path: Path) -> None:
    near, far, unknown = (entry(0.8) for _ in range(3))
    for made, kid in ((near, 0.12), (far, 0.16)):
        made["fidelity"]["labels"]["benign 40X"] |= {"kid_scatter_train": kid, "kid_scatter_floor_high": 0.05}
    made = {"near, fold 1": near, "far, fold 1": far, "old, fold 1": unknown}
    table = fidelity.blocks(read(planted.build(tmp_path / "one", generators=made)))[1]
    assert isinstance(table, Table)
    assert "1 of 2 distances are within 3 times that" in table.caption
    assert [[cell.text for cell in row][2:] for row in table.rows][:2] == [
        ["0.12", "0.05", "2.4"],
        ["0.16", "0.05", "3.2"],
    ]
    alone = fidelity.blocks(read(planted.build(tmp_path / "two", generators={"old, fold 1": unknown})))
    assert not any("Distance to the training images" in block.caption for block in alone if isinstance(block, Table))


def tables_of(tmp_path: Path, **more: Any) -> list[Table]:
    made = entry(0.8)
    made["fidelity"] |= more
    if "extractors" in more:
        further = {"precision_random": 0.71, "precision_random_floor": 0.93, "recall_random": 0.12}
        made["fidelity"]["labels"]["benign 40X"] |= further
    folder = read(planted.build(tmp_path / "one", generators={"dcgan, fold 1": made}))
    return [block for block in fidelity.blocks(folder) if isinstance(block, Table)]


def test_copies_and_the_difference_between_labels_are_shown(tmp_path: Path) -> None:
    whole = tables_of(tmp_path, copies={"z": -12.34, "share": 0.64}, difference_between_labels=0.07)[-1]
    assert whole.columns == ("Generator", "Copies, z", "Nearer than real, %", "Difference between labels")
    assert [cell.text for cell in whole.rows[0]] == ["dcgan, fold 1", "-12", "64.0", "0.07"]
    assert not whole.folded


def test_precision_and_recall_on_further_features_and_the_label_probe_are_shown(tmp_path: Path) -> None:
    probe = {"generated": {"benign 40X": 0.52}, "held_out": {"benign 40X": 0.9}}
    _, further, _ = tables_of(tmp_path, extractors=["scatter", "random"], label_probe=probe)
    assert further.folded
    found = [(head, cell.text) for head, cell in zip(further.columns, further.rows[0], strict=True)]
    assert found[2:] == [
        ("Precision (random), %", "71.0"), ("Floor", "93.0"), ("Recall (random), %", "12.0"), ("Floor", "n/a"),
        ("Probe, %", "52.0"), ("Probe, real, %", "90.0"),
    ]  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"copies": None, "difference_between_labels": None, "label_probe": None}])
def test_what_could_not_be_measured_is_not_defined_and_not_zero(tmp_path: Path, more: dict[str, Any]) -> None:
    whole = tables_of(tmp_path, **more)[1]  # no table of further measures: there is none
    assert [cell.text for cell in whole.rows[0]] == ["dcgan, fold 1", "n/a", "n/a", "n/a"]
