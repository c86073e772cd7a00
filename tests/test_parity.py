"""The benchmark of attacks beside other libraries: how it judges, and what the committed table says."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from benchmarks import parity, planted
from benchmarks.rivals import WRITTEN, Rival, Terms, rivals
from benchmarks.victims import CASES, Case
from robustgan.interfaces import L2, Linf
from tests.attacks.closed_form import Planes

TERMS = Terms(Linf(eps=8 / 255), classes=3, queries=5, original=None)


@pytest.fixture
def model() -> nn.Module:
    return Planes(3).eval().requires_grad_(False)


def images(model: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randint(0, 256, (10, 3, 16, 16), generator=torch.Generator().manual_seed(0)).float() / 255
    return x, model(x).argmax(1)


def test_what_left_the_budget_does_not_count(model: nn.Module) -> None:
    x, y = images(model)
    far = (x + model.weight[(y + 1) % 3] * 100).clamp(0, 1).detach()  # type: ignore[index]
    assert (model(far).argmax(1) != y).all()
    row = parity.measured(Rival("far", "cheat", lambda *_: far), TERMS, model, x, y)
    assert row["robust_accuracy"] == 1
    assert row["note"] == "10 images out of budget"
    outside = x + torch.where(x > 0.5, 8 / 255, -8 / 255)  # in the ball, and no images
    assert parity.measured(Rival("far", "cheat", lambda *_: outside), TERMS, model, x, y)["note"]


def test_a_library_that_is_missing_or_fails_is_a_note(model: nn.Module) -> None:
    def missing(*_: object) -> torch.Tensor:
        raise ModuleNotFoundError("No module named 'elsewhere'")

    def failing(*_: object) -> torch.Tensor:
        raise IndexError("index -5 is out of bounds")

    x, y = images(model)
    notes = [parity.measured(Rival("a", "b", run), TERMS, model, x, y)["note"] for run in (missing, failing)]
    assert notes == ["not installed: No module named 'elsewhere'", "failed: IndexError: index -5 is out of bounds"]
    last = [rival for rival in rivals(TERMS) if rival.library == "auto-attack"]
    assert "--original" in parity.measured(last[0], TERMS, model, x, y)["note"]


def test_difference_is_in_points_above_ours() -> None:
    rows = [("apgd-ce", "robustgan", 0.5), ("apgd-ce", "art", 0.525), ("ensemble", "robustgan", 0.4)]
    rows += [("ensemble as shipped", "auto-attack", 0.39), ("pgd", "art", 0.7)]
    frame = pd.DataFrame(rows, columns=["attack", "library", "robust_accuracy"]).assign(
        network="n", norm="linf", classes=4
    )
    found = parity.compared(frame)["difference"]
    assert found[:4].tolist() == [0.0, 2.5, 0.0, -1.0]
    assert found.isna()[4]


def test_a_case_measured_again_takes_the_place_of_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "parity.csv"

    def rows(case: Case, value: float) -> pd.DataFrame:
        told = {"network": case.network, "norm": case.threat.norm, "classes": case.classes}
        return pd.DataFrame([{**told, "robust_accuracy": value}]).reindex(columns=list(parity.COLUMNS))

    for case, value in ((CASES[3], 0.1), (CASES[0], 0.2), (CASES[3], 0.25)):
        parity.written(rows(case, value), path)
    found = pd.read_csv(path)
    assert found["robust_accuracy"].tolist() == [0.2, 0.25]
    assert found["classes"].tolist() == [CASES[0].classes, CASES[3].classes]


def test_ours_run_for_any_number_of_classes(model: nn.Module) -> None:
    x, y = images(model)
    mine = [rival for rival in rivals(TERMS) if rival.library == "robustgan"]
    assert [rival.attack for rival in mine] == ["apgd-ce", "apgd-targeted", "fab", "square", "ensemble"]
    row = parity.measured(mine[3], TERMS, model, x, y)
    assert row["robust_accuracy"] <= 1
    assert 1 < row["forwards"] <= 6
    assert {"network", *row} <= set(parity.COLUMNS)


@pytest.mark.slow
def test_as_8_bits_an_image_is_let_go_where_it_fools_as_8_bits() -> None:
    model = planted.network(4)
    x, y = planted.problem(4, 60, seed=3)
    terms = Terms(L2(eps=0.5), classes=4, queries=20, original=None)
    both = {r.library: r for r in rivals(terms) if r.attack == "fab" and r.library.startswith("robustgan")}
    rows = {library: parity.measured(rival, terms, model, x, y) for library, rival in both.items()}
    floats, eight = rows["robustgan"], rows[WRITTEN]
    assert eight["as_8_bit"] == eight["robust_accuracy"] < floats["as_8_bit"], "walks end close to the boundary"
    assert floats["forwards"] < eight["forwards"], "and that is paid for"


def test_the_problem_can_be_learned() -> None:
    model = planted.network(2)
    x, y = planted.problem(2, 60, seed=5)
    assert (model(x).argmax(1) == y).double().mean() > 0.95


def test_committed_table_matches_the_published_autoattack() -> None:
    frame = pd.read_csv(Path(__file__).parents[1] / "reports" / "benchmarks" / "parity.csv")
    assert tuple(frame.columns) == parity.COLUMNS
    keys = ["network", "norm", "classes"]
    original = frame[(frame["library"] == "auto-attack") & (frame["attack"] == "ensemble")].set_index(keys)
    assert set(original.index) == {(case.network, case.threat.norm, case.classes) for case in CASES}
    assert original["difference"].notna().all()
    assert original[original.index.get_level_values("classes") >= 4]["difference"].abs().max() <= 0.5
    assert original["robust_accuracy"].between(0.1, 0.95).all(), "some stand: otherwise nothing is compared"
    assert (original["images"] >= 100).all()
    for library, share in (("robustgan", "robust_accuracy"), (WRITTEN, "as_8_bit")):
        mine = frame[frame["library"] == library].set_index([*keys, "attack"])[share]
        for case, group in mine.groupby(level=[0, 1, 2]):
            assert group.min() == mine[(*case, "ensemble")]
    written = frame[(frame["library"] == WRITTEN) & (frame["attack"] == "ensemble")].set_index(keys)
    assert (written["as_8_bit"] <= original["as_8_bit"]).all(), "what a run judges: ours leave no more standing"
