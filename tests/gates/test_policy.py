"""What a policy file may say."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from robustgan.errors import InputError
from robustgan.gates.policy import gate_kinds, lines, policy, read_policy
from robustgan.schema import policy_schema
from robustgan.shipped import policies

CONFIGS = Path(__file__).parents[2] / "configs"
GATE = {"name": "a", "kind": "clean_sensitivity", "limit": 0.9, "bound": "low", "why": "because"}


@pytest.mark.parametrize("name", ["release", "research", "update"])
def test_the_policies_that_come_along(name: str) -> None:
    found = read_policy(policies()[name])
    assert found.name == name
    assert all(len(gate.why) > 20 for gate in found.gates)
    assert found.compares == (name == "update")
    jsonschema.validate(yaml.safe_load(policies()[name].read_text()), policy_schema())


def test_the_published_schema_is_the_code_s() -> None:
    assert json.loads((CONFIGS / "policy.schema.json").read_text()) == json.loads(json.dumps(policy_schema())), (
        "run: robustgan schema policy > configs/policy.schema.json"
    )


def test_fractions_are_read() -> None:
    found = policy({"name": "p", "gates": [{**GATE, "kind": "missed_cancers", "eps": "8/255"}]})
    assert found.gates[0].eps == pytest.approx(8 / 255)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "clean_sensitivty"}, "Did you mean `clean_sensitivity`"),
        ({"kind": None}, "Allowed:"),
        ({"limit": 90}, "less than or equal to 1"),
        ({"limit": "often"}, "which is no number"),
        ({"bound": "middle"}, "'low', 'high' or 'point'"),
        ({"bounds": "low"}, "unknown setting"),
        ({"attacks": ["pgd"]}, "unknown setting"),  # the originals have none
        ({"why": ""}, "at least 1 character"),
        ({"name": "no spaces"}, "match pattern"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=r"gates\.0") as caught:
        policy({"name": "p", "gates": [{**GATE, **change}]})
    assert told in str(caught.value)


@pytest.mark.parametrize("lost", ["limit", "bound", "why", "name"])
def test_nothing_is_filled_in(lost: str) -> None:
    with pytest.raises(InputError, match="required"):
        policy({"name": "p", "gates": [{key: value for key, value in GATE.items() if key != lost}]})


def test_two_gates_of_one_name() -> None:
    with pytest.raises(InputError, match="found twice: a"):
        policy({"name": "p", "gates": [GATE, GATE]})


@pytest.mark.parametrize("gates", [[], None, "all"])
def test_a_policy_without_gates_would_pass_everything(gates: object) -> None:
    with pytest.raises(InputError, match="gates"):
        policy({"name": "p", "gates": gates})


def test_too_few_patients_cannot_be_allowed() -> None:
    with pytest.raises(InputError, match="fewest_groups"):
        policy({"name": "p", "fewest_groups": 4, "gates": [GATE]})


def test_every_kind_says_what_it_is() -> None:
    assert len(gate_kinds()) == 26
    assert all(text.endswith(".") for text in gate_kinds().values())


def test_lines_lead_to_the_gates(tmp_path: Path) -> None:
    text = policies()["release"].read_text().splitlines()
    for name, line in lines(policies()["release"]).items():
        assert text[line - 1] == f"  - name: {name}"
