"""What one config says: lists of eps, names that must differ, oracles that must exist."""

import pytest

from robustgan.errors import InputError
from robustgan.experiment import experiment

BASE = {
    "name": "test",
    "dataset": {"kind": "synthetic"},
    "models": [{"name": "m", "model": {"kind": "densenet", "variant": "compact"}}],
    "attacks": [{"kind": "fgsm", "threat": {"norm": "linf", "eps": ["2/255", "4/255"]}}],
}


def test_a_list_of_eps_stands_for_one_attack_each() -> None:
    assert [attack.threat.eps for attack in experiment(BASE).attacks] == [2 / 255, 4 / 255]


def test_settings_are_the_way_back() -> None:
    plan = experiment(BASE)
    assert experiment(plan.settings()) == plan


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"models": []}, "models"),
        ({"attacks": []}, "attacks"),
        ({"models": "densenet"}, "models: found 'densenet', expected a list"),
        ({"models": [{"name": "m"}]}, "models.0"),
        ({"models": BASE["models"] * 2}, "found twice: m"),
        ({"attacks": [{"kind": "dcgan"}]}, "oracles: generated images are judged by oracle"),
        ({"name": "../escape"}, "name"),
        ({"pixels": {"size": 50}}, "multiple of 16"),
        ({"split": {"folds": [0]}}, "split.folds.0"),
        ({"split": {"protocol": "audit"}}, "split.protocol: audit, and model m would have to be trained"),
        ({"dataset": {"kind": "syntetic"}}, "Did you mean `synthetic`"),
        ({"processes": 3}, "m: training.batch: found a batch of 64 and `processes: 3`.*Set the batch to 63"),
    ],
)
def test_mistakes_are_named(change: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        experiment({**BASE, **change})


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        ({"kind": "advgan", "batch": 33}, "advgan.batch: found a batch of 33 and `processes: 2`"),
        ({"kind": "advgan", "knowledge": "dynamic"}, "only a white-box training can be shared. Set `processes: 1`"),
        ({"kind": "dcgan", "training": {"batch": 15}}, "dcgan.training.batch: found a batch of 15"),
    ],
)
def test_what_processes_cannot_share_is_refused_in_the_plan(attack: dict, said: str) -> None:
    eps = {} if attack["kind"] == "dcgan" else {"threat": {"norm": "linf", "eps": "8/255"}}
    oracle = {"name": "o", "model": {"kind": "densenet", "variant": "compact"}}
    settings = {**BASE, "oracles": [oracle], "attacks": [{**attack, **eps}]}
    experiment(settings)
    with pytest.raises(InputError, match=said):
        experiment({**settings, "processes": 2})


def test_a_search_that_leaves_no_oracle_to_judge_is_refused_in_the_plan() -> None:
    oracles = [{"name": name, "model": {"kind": "densenet", "variant": "compact"}} for name in "abc"]
    for named, helping, least in ((oracles, 3, 2), (oracles[:1], 2, 1)):
        settings = {**BASE, "oracles": named, "attacks": [{"kind": "dcgan", "search": {"helping": helping}}]}
        with pytest.raises(InputError, match=f"search.helping: found {helping} with .* set `helping` to {least} or"):
            experiment(settings)
    experiment({**BASE, "oracles": oracles, "attacks": [{"kind": "dcgan", "search": {"helping": 2}}]})
    experiment({**BASE, "oracles": oracles[:1], "attacks": [{"kind": "dcgan"}]})


def test_an_audit_trains_an_attack_on_patients_that_are_set_apart_for_it() -> None:
    given = {"name": "m", "model": {"kind": "checkpoint", "architecture": "resnet18", "weights": "w.safetensors"}}
    settings = {**BASE, "models": [given], "attacks": [{"kind": "advgan", "threat": {"norm": "linf", "eps": "8/255"}}]}
    with pytest.raises(InputError, match=r"attack advgan would have to be trained.*set `split.training`"):
        experiment({**settings, "split": {"protocol": "audit"}})
    assert experiment({**settings, "split": {"protocol": "audit", "training": 0.4}}).attacks[0].trains
