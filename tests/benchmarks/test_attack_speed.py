"""The benchmark of speed: what is timed, against what, and what the committed table says."""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from benchmarks import attack_speed, planted, racers, readme, readme_speed
from benchmarks.attack_speed import Field, race
from benchmarks.racers import Racer, Size
from benchmarks.rivals import Terms
from robustgan.prepare import prepared

CPU = torch.device("cpu")
TERMS = Terms(attack_speed.THREAT, classes=2, queries=5, original=None)
TABLE = Path(__file__).parents[2] / "reports" / "benchmarks" / "attack_speed.csv"


@pytest.fixture(scope="module")
def field() -> Field:
    model = planted.network(2)
    x, y = planted.problem(2, 24, seed=5)
    victims = {"plain": model, "prepared": prepared(model, x), "half": prepared(model, x, torch.bfloat16)}
    return Field("planted", victims, x, y)


def test_time_is_held_against_the_same_rounds_floor(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "process_time", lambda: now[0])
    slower = iter([1.0, 1.0, 3.0, 1.0, 1.0])  # one round in which the machine was busy

    def base(model: nn.Module, x: Tensor, y: Tensor) -> None:
        factor.append(next(slower))
        now[0] += 2 * factor[-1]

    def three(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        now[0] += 3 * (factor[-1] if len(y) > 2 else 1)
        return x

    factor: list[float] = []
    monkeypatch.setattr(attack_speed, "floor", base)
    floor, row = race(field, [Racer("pgd-20", "them", "plain", three)], TERMS, 40, 5)
    assert (floor["library"], floor["seconds"], floor["ratio_to_floor"]) == ("floor", 4, 1)  # 40 gradients, not 20
    assert (row["seconds"], row["ratio_to_floor"], row["images_per_second"]) == (3, 0.75, 8)
    assert row["robust_accuracy"] == float((field.victims["plain"](field.x).argmax(1) == field.y).double().mean())
    assert row["changed"] is None


def test_ours_leave_the_same_images_standing_and_others_that_fail_are_notes(field: Field) -> None:
    def failing(*_: object) -> Tensor:
        raise IndexError("index -3 is out of bounds")

    mine = [racer for racer in racers.climbers(TERMS) if racer.library.startswith("robustgan")]
    rows = pd.DataFrame(race(field, [*mine, Racer("pgd-20", "them", "plain", failing)], TERMS, 20, 1))
    rows = rows.set_index("library")
    assert rows.loc["them", "note"] == "failed: IndexError: index -3 is out of bounds"
    exact = rows.loc[["robustgan", "robustgan, model as it is", "robustgan, to the verdict"]]
    assert exact["as_8_bit"].nunique() == 1
    assert 0 < exact["as_8_bit"].iloc[0] < 1
    assert (exact["changed"] == 0).all()
    assert rows.loc["robustgan, bfloat16", "changed"] <= 2


def test_ours_is_an_ensemble_and_the_original_needs_a_checkout(field: Field) -> None:
    entered = list(racers.ensembles(TERMS, Size(steps=3, queries=5)))
    assert [racer.library for racer in entered] == ["robustgan", "art", "foolbox", "torchattacks", "auto-attack"]
    assert attack_speed.failure(entered[2], field) == "it has no ensemble that passes on what stands"
    assert "--original" in attack_speed.failure(entered[-1], field)
    few = field.first(6)
    assert attack_speed.run(entered[0], few).shape == few.x.shape


def block(attack: str, gradients: int, floors: list[float], asked: list[str]) -> Callable[[], list[dict[str, Any]]]:
    """A block whose floor takes so many seconds a gradient of an image, in the order in which it is measured."""
    left = iter(floors)

    def measure() -> list[dict[str, Any]]:
        asked.append(attack)
        one = next(left)
        floor = {"attack": attack, "library": "floor", "seconds": 24 * gradients * one, "gradients": gradients}
        return [{"attack": attack, "library": "them", "seconds": one}, {**floor, "images": 24}]

    return measure


@pytest.mark.parametrize(
    ("first", "second", "asked", "kept", "notes"),
    [
        ([1.0], [1.09], "pe", (1.0, 1.09), 0),  # as alike as two measurements are
        ([1.0], [1.2, 1.05], "pee", (1.0, 1.05), 0),  # disturbed once
        ([1.3, 1.0], [1.0], "pep", (1.0, 1.0), 0),
        ([1.0], [1.2, 1.4, 1.3], "peee", (1.0, 1.2), 1),  # disturbed all the time: that is said, and the best is kept
        ([1.0, 0.99], [1.2, 0.8], "peep", (0.99, 0.8), 1),  # the first was the slow one all along
    ],
)
def test_a_block_with_a_slow_floor_is_measured_again_and_said_to_be_disturbed(
    first: list[float],
    second: list[float],
    asked: str,
    kept: tuple[float, float],
    notes: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    order: list[str] = []
    rows = attack_speed.steady([block("p", 20, first, order), block("e", 100, second, order)])
    assert "".join(order) == asked
    assert tuple(row["seconds"] for row in rows if row["library"] == "them") == kept
    said = [row for row in rows if "disturbed" in row.get("note", "")]
    assert [row["library"] for row in said] == ["floor"] * notes
    assert capsys.readouterr().err.count("its ratios flatter") == notes


def test_quick_takes_one_model_and_few_images(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fields(place: torch.device, names: tuple[str, ...]) -> Iterator[tuple[Field, dict[str, Any]]]:
        asked.extend(names)
        yield field, {"attack": "prepare", "library": "robustgan", "model": field.name, "rounds": 1}

    monkeypatch.setattr(attack_speed, "fields", fields)
    monkeypatch.setattr(attack_speed, "climbers", lambda terms: list(racers.climbers(terms))[:2])
    wanted = argparse.Namespace(quick=True, original=None, rounds=1)
    found = attack_speed.measured(CPU, wanted)
    assert asked == ["undefended"]
    assert tuple(found.columns) == attack_speed.COLUMNS
    assert set(found["images"].dropna()) == {16}
    assert (found["clock"] == "cpu").all()


def test_the_committed_table_holds_what_the_readme_says() -> None:
    frame = pd.read_csv(TABLE)
    assert tuple(frame.columns) == attack_speed.COLUMNS
    runs = frame[frame["ratio_to_floor"].notna() & (frame["library"] != "floor")]
    assert (runs["rounds"] >= 5).all()
    assert set(frame["model"]) == set(attack_speed.MODELS)
    assert {"art", "foolbox", "torchattacks", "robustgan"} <= set(runs["library"])
    for (model, attack), group in runs.groupby(["model", "attack"]):
        mine = group["library"].str.startswith("robustgan")
        exact = mine & (group["library"] != "robustgan, bfloat16")
        others = group.loc[~mine, "robust_accuracy"].min()
        assert group.loc[exact, "as_8_bit"].max() <= others, (model, attack)
        assert group.loc[exact, "changed"].fillna(0).max() == 0
        ratio = group.set_index("library")["ratio_to_floor"]
        final = ratio["robustgan, to the verdict" if attack == "pgd-20" else "robustgan"]
        fastest = group.loc[~mine, "ratio_to_floor"].min()
        if model == "undefended":
            assert 5 * final <= ratio["art"], attack
            assert 3 * final <= fastest, attack
        assert final < fastest, (model, attack)
        if attack == "pgd-20":
            assert ratio["robustgan"] <= 0.80, model
            assert ratio["robustgan, bfloat16"] <= 0.60, model
    text = (readme.ROOT / "README.md").read_text("utf-8")
    assert readme_speed.table(readme.ROOT / "reports") in text


def test_the_readmes_table_shows_what_did_not_run(tmp_path: Path) -> None:
    assert readme_speed.table(tmp_path) == ""
    (tmp_path / "benchmarks").mkdir()
    both, none = ("undefended", "hardened"), (None,) * 4
    numbers = {"floor": [(2.0, 20.0, 1.0, None), (4.0, 10.0, 1.0, None)], "robustgan": [(1.0, 40.0, 0.5, 0.125), none]}
    rows = [
        ("pgd-20", library, model, *row, 24, 5, "x86_64, 2 cores", 1.5, "torch 2")
        for library, found in numbers.items()
        for model, row in zip(both, found, strict=True)
    ]
    columns = ["attack", "library", "model", "seconds", "images_per_second", "ratio_to_floor", "robust_accuracy"]
    columns += ["images", "rounds", "machine", "load", "versions"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "benchmarks" / "attack_speed.csv", index=False)
    assert readme_speed.table(tmp_path).splitlines()[2:] == [
        "| PGD-20 | floor | 20.0 | 1.00 |  | 10.0 | 1.00 |  |",
        "|  | robustgan | 40.0 | 0.50 | 12.5 | did not run |  |  |",
        "",
        "24 images, median of 5 rounds; x86_64, 2 cores, load 1.5; torch 2.",
    ]
