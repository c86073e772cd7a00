"""Each check on made-up evidence: what makes it fail, warn, and say that nothing was measured."""

from typing import Any

import pandas as pd
import pytest

from robustgan import strength, tables
from robustgan.strength.verdicts import REQUIRED
from tests.strength.planted import EPS, facts, first, keeping_up, predicted, probe, sound

NOTHING = tables.empty(tables.PREDICTIONS)


def checked(
    probes: pd.DataFrame | None = None,
    said: dict[str, Any] | None = None,
    predictions: pd.DataFrame | None = None,
    survival: pd.DataFrame | None = None,
) -> pd.DataFrame:
    probes, said = sound() if probes is None else probes, facts() if said is None else said
    predictions = keeping_up(probes) if predictions is None else predictions
    return strength.checks(probes, {"victim": {"1": said}}, predictions, survival).set_index("check")


def with_probe(name: str, fooled: list[bool], setting: float = 1) -> pd.DataFrame:
    rest = sound()
    more = [probe(name, fooled, 4)] if name == "quiet" else []
    return pd.concat([rest[rest["probe"] != name], probe(name, fooled, setting), *more], ignore_index=True)


def test_sound_evidence_passes_every_required_check() -> None:
    frame = checked()
    assert set(frame.loc[list(REQUIRED), "status"]) == {"pass"}
    found = strength.verdict(frame.reset_index())
    assert found.strong
    assert found.reason == "no strength check fails"
    assert strength.robust(sound()) == (10, 40)


LAST = [i >= 35 for i in range(40)]  # five images that gradient attacks miss
ONE = [i >= 39 for i in range(40)]


@pytest.mark.parametrize(
    ("check", "name"),
    [
        ("noise control", "noise"),
        ("one-step", "one-step"),
        ("black-box", "black-box"),
        ("transfer", "transfer"),
        ("noise pattern", "quiet"),
        ("expectation", "expectation"),
    ],
)
def test_a_weaker_attack_must_not_find_more(check: str, name: str) -> None:
    failed = checked(with_probe(name, LAST)).loc[check]
    assert (failed["status"], failed["value"], failed["images"]) == ("fail", 5, 40)
    assert "5 of them that" in failed["found"]
    assert checked(with_probe(name, ONE)).loc[check, "status"] == "warn"
    assert checked(with_probe(name, first(30))).loc[check, "status"] == "pass"


def test_more_steps_and_restarts_must_change_nothing() -> None:
    more = pd.concat([sound(), probe("iterations", first(36), 80)], ignore_index=True)
    assert checked(more).loc["iterations", "status"] == "fail"
    more = pd.concat([sound(), probe("restarts", first(36), 10)], ignore_index=True)
    assert checked(more).loc["restarts", "status"] == "fail"


def test_success_must_grow_with_the_budget() -> None:
    frame = checked(pd.concat([sound(), probe("budget", first(20), 0.1, 0.1)], ignore_index=True))
    assert frame.loc["larger budgets", "status"] == "fail"
    assert "34 at 0.0627, 20 at 0.1" in frame.loc["larger budgets", "found"]


def test_the_largest_budget_must_fool_all_or_leave_one_answer() -> None:
    rest = sound()
    rest = rest[~((rest["probe"] == "budget") & (rest["setting"] == 1))]
    some = checked(pd.concat([rest, probe("budget", first(30), 1, 1)], ignore_index=True))
    assert some.loc["unbounded", "status"] == "fail"
    constant = checked(pd.concat([rest, probe("budget", [i % 2 == 0 for i in range(40)], 1, 1)], ignore_index=True))
    assert constant.loc["unbounded", "status"] == "warn"
    assert "the majority rate" in constant.loc["unbounded", "found"]


@pytest.mark.parametrize(
    ("check", "status", "changed"),
    [
        ("outputs", "fail", {"not_finite": 1}),
        ("outputs", "fail", {"gradient_calls": 1}),
        ("outputs", "fail", {"outputs": "one-hot"}),
        ("outputs", "warn", {"outputs": "probabilities"}),
        ("saturation", "fail", {"vanished": 20}),
        ("saturation", "warn", {"certain": 30}),
        ("determinism", "fail", {"repeat_change": 0.1}),
        ("determinism", "warn", {"repeat_change": 1e-4}),
        ("company", "fail", {"company_change": 0.1}),
        ("memory", "fail", {"drift": 1}),
        ("zero gradients", "fail", {"zero_gradients": 40}),
        ("zero gradients", "fail", {"not_finite_gradients": 40}),
        ("zero gradients", "fail", {"tiny_gradients": 40}),
        ("zero gradients", "fail", {"gradient_error": "no grad_fn"}),
        ("gradient agreement", "fail", {"disagreeing": 20}),
        ("gradient agreement", "warn", {"agreement": 0.7}),
    ],
)
def test_what_a_classifier_says_can_break_the_evidence(check: str, status: str, changed: dict[str, Any]) -> None:
    frame = checked(said=facts(**changed))
    assert frame.loc[check, "status"] == status, frame.loc[check, "found"]
    assert strength.verdict(frame.reset_index()).strong == (status == "warn")


def test_folds_are_pooled_and_the_worst_answer_counts() -> None:
    probes = pd.concat([sound(), sound().assign(fold=2)], ignore_index=True)
    said = {"victim": {"1": facts(), "2": facts(repeat_change=0.5, zero_gradients=3)}}
    frame = strength.checks(probes, said, NOTHING).set_index("check")
    assert frame.loc["determinism", "status"] == "fail"
    assert frame.loc["zero gradients", ["value", "images"]].tolist() == [3, 160]
    assert frame.loc["black-box", "images"] == 80


def test_what_was_not_measured_never_passes() -> None:
    nothing = tables.empty(tables.PROBES)
    frame = strength.checks(nothing, {"victim": {}}, NOTHING).set_index("check")
    assert set(frame["status"]) == {"not run"}
    found = strength.verdict(frame.reset_index())
    assert not found.strong
    assert set(found.missing) == set(REQUIRED)
    assert not strength.verdict(tables.empty(tables.STRENGTH)).strong


def test_one_missing_probe_is_enough_to_withhold_belief() -> None:
    rest = sound()
    found = strength.verdict(checked(rest[rest["probe"] != "transfer"]).reset_index())
    assert not found.strong
    assert found.missing == ("transfer",)
    assert found.reason == "the evidence is not there: transfer"


def test_too_few_images_say_nothing() -> None:
    few = sound()
    few = few[few["image_id"].isin([f"image{i}" for i in range(6)])]
    assert checked(few).loc["black-box", "status"] == "not run"


def predictions(fooled: list[bool], eps: float = EPS) -> pd.DataFrame:
    return predicted(probe("", fooled, eps=eps))


def test_the_attacks_of_the_run_have_to_keep_up_with_the_probes() -> None:
    assert checked(predictions=predictions(first(30))).loc["attacks of the run", "status"] == "pass"
    weak = checked(predictions=predictions(first(12))).loc["attacks of the run"]
    assert (weak["status"], weak["value"]) == ("fail", 18)
    other = checked(predictions=predictions(first(30), eps=EPS / 2)).loc["attacks of the run"]
    assert other["status"] == "not run"
    found = strength.verdict(checked(predictions=NOTHING).reset_index())
    assert (found.strong, found.missing) == (False, ("attacks of the run",))


@pytest.mark.parametrize(("late", "status"), [(0, "pass"), (1, "warn"), (15, "fail")])
def test_square_finds_nothing_that_gradients_miss(late: int, status: str) -> None:
    rows = predictions(first(30))
    solvers = ["square" if i < late else "apgd-ce" for i in range(30)] + [""] * (len(rows) - 30)
    row = checked(predictions=rows.assign(attack="ensemble", solver=solvers)).loc["square"]
    assert (row["status"], row["value"]) == (status, late)
    assert f"{late} of them with Square alone" in row["found"]
    assert checked(predictions=rows).loc["square", "status"] == "not run"


def saved(lost: int = 0, png: int = 0, jpeg: int = 0) -> pd.DataFrame:
    frame = predictions(first(40)).assign(ssim=1.0, stain=0.0)
    wrong = frame["pred"]

    def undone(count: int) -> pd.Series:
        return wrong.where(frame.index >= count, frame["label"])

    frame = frame.assign(float_pred=wrong, pred=undone(lost), png_pred=undone(max(lost, png)), jpeg_pred=undone(jpeg))
    return tables.check(frame[list(tables.SURVIVAL)], tables.SURVIVAL)


@pytest.mark.parametrize(
    ("check", "status", "rows"),
    [
        ("survival: 8 bit", "pass", saved(lost=2)),
        ("survival: 8 bit", "fail", saved(lost=20)),
        ("survival: PNG", "pass", saved(lost=2)),
        ("survival: PNG", "fail", saved(png=1)),
        ("survival: JPEG 90", "pass", saved(jpeg=12)),
        ("survival: JPEG 90", "warn", saved(jpeg=30)),
        ("survival: 8 bit", "not run", None),
    ],
)
def test_fooling_images_have_to_survive_saving(check: str, status: str, rows: pd.DataFrame | None) -> None:
    assert checked(survival=rows).loc[check, "status"] == status
