"""What was to be done, and was it?"""

from dataclasses import replace

import pytest

from robustgan.gates import Run
from tests.gates import cases
from tests.report import planted


def test_everything_was_done(robust: Run) -> None:
    (row,) = cases.judged(robust, kind="complete")
    assert (row.status, row.observed, row.limit) == ("pass", 1.0, 1.0)


def test_a_stage_that_failed(robust: Run) -> None:
    failed = {**robust.run, "failures": [{"stage": "attack pgd", "reason": "not finite"}]}
    (row,) = cases.judged(replace(robust, run=failed), kind="complete")
    assert (row.status, "attack pgd" in row.reason) == ("incomplete", True)


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": [0, 1]},
        {"models": [{"name": "densenet"}, {"name": "vit"}]},
        {"split": {"folds": [1, 2]}},
        {"attacks": [{"kind": "square", "threat": {"norm": "linf", "eps": "8/255"}}]},
        {"attacks": [{"kind": "pgd", "threat": {"norm": "linf", "eps": 2 / 255}}]},
        {"attacks": [{"kind": "art", "method": "BoundaryAttack", "threat": {"norm": "l2", "eps": 1}}]},
    ],
)
def test_what_the_config_asks_for_and_the_run_lacks(robust: Run, change: dict[str, object]) -> None:
    asked = {**robust.run, "config": {**robust.config, **change}}
    (row,) = cases.judged(replace(robust, run=asked), kind="complete")
    assert row.status == "incomplete"


def test_one_image_less(robust: Run) -> None:
    rows = robust.predictions
    (row,) = cases.judged(
        replace(robust, predictions=rows.drop(index=rows.index[rows["attack"] == "pgd"][0])), kind="complete"
    )
    assert row.status == "incomplete"
    assert "pgd linf 8/255, seed 0, on densenet (95 of 96 images)" in row.reason
    assert 0.99 < row.observed < 1


def test_painted_images_have_no_originals(robust: Run) -> None:
    attacks = [*robust.config["attacks"], {"kind": "dcgan", "threat": {"norm": "unrestricted"}}]
    asked = {**robust.run, "config": {**robust.config, "attacks": attacks}}
    without, with_images = (
        cases.judged(replace(robust, run=asked, generated=made), kind="complete")[0].status
        for made in (None, planted.generated())
    )
    assert (without, with_images) == ("incomplete", "pass")


@pytest.mark.parametrize("lost", ["folds", "config"])
def test_nothing_says_what_was_to_be_done(robust: Run, lost: str) -> None:
    found = replace(robust, folds=None) if lost == "folds" else replace(robust, run={"failures": []})
    (row,) = cases.judged(found, kind="complete")
    assert row.status == "incomplete"


def test_every_policy_asks_for_a_complete_run(robust: Run) -> None:
    failed = replace(robust, run={**robust.run, "failures": [{"stage": "x", "reason": "y"}]})
    verdict = cases.verdict(failed, kind="clean_sensitivity", limit=0.5, bound="low")
    assert [row.gate for row in verdict.rows] == ["complete", "it"]
    assert (verdict.status, verdict.exit_code) == ("incomplete", 3)


@pytest.mark.parametrize(
    ("attacks", "rest", "status"),
    [
        (["clean", "noise", "pgd"], {}, "pass"),
        (["pgd"], {"norm": "linf", "eps": "8/255"}, "pass"),
        (["pgd"], {"eps": "4/255"}, "incomplete"),
        (["pgd"], {"norm": "l2"}, "incomplete"),
        (["pgd", "square"], {}, "incomplete"),
    ],
)
def test_required_attacks(robust: Run, attacks: list[str], rest: dict[str, str], status: str) -> None:
    (row,) = cases.judged(robust, kind="required_attacks", attacks=attacks, **rest)
    assert row.status == status
    assert ("square" in row.reason) == ("square" in attacks)


def test_an_attack_is_known_by_its_kind_too(robust: Run) -> None:
    attacks = [{**entry, "name": "strong" if entry["kind"] == "pgd" else ""} for entry in robust.config["attacks"]]
    renamed = robust.predictions["attack"].replace("pgd", "strong")
    found = replace(
        robust, predictions=robust.predictions.assign(attack=renamed),
        run={**robust.run, "config": {**robust.config, "attacks": attacks}},
    )  # fmt: skip
    for name in ("pgd", "strong"):
        assert cases.judged(found, kind="required_attacks", attacks=[name])[0].status == "pass"
