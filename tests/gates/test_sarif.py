"""The verdict as SARIF."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from robustgan.gates import Run, sarif
from robustgan.gates.sarif import fingerprint
from tests.gates import cases

SUBSET = Path(__file__).parent / "sarif_subset.json"
OFFICIAL = os.environ.get("ROBUSTGAN_SARIF_SCHEMA", "")  # a copy of OASIS's file, which may not be given away with ours


@pytest.fixture(params=["subset", "official"])
def schema(request: pytest.FixtureRequest) -> dict[str, object]:
    if request.param == "subset":
        return json.loads(SUBSET.read_text())
    if not OFFICIAL:
        pytest.skip(f"set ROBUSTGAN_SARIF_SCHEMA to a copy of {sarif.SCHEMA}")
    return json.loads(Path(OFFICIAL).read_text())


def log(*rows: object, file: str = "configs/policies/release.yaml") -> dict[str, object]:
    return json.loads(sarif.text(cases.of_rows(rows or cases.rows()), file, {"it": 7}))


def test_it_is_sarif(schema: dict[str, object], broken: Run) -> None:
    hostile = cases.rows(4, model=cases.HOSTILE, reason=cases.HOSTILE)
    real = cases.verdict(broken, kind="sensitivity_drop", limit=0.1, bound="high", magnification="each")
    for found in (log(), log(*hostile, file="a b/p|<>.yaml"), json.loads(sarif.text(real, "p.yaml", {}))):
        jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker()).validate(found)


@pytest.mark.parametrize("wrong", [{"level": "bad"}, {"ruleIndex": "1"}, {"message": {}}, {"extra": 1}])
def test_the_schema_refuses_what_is_not_sarif(schema: dict[str, object], wrong: dict[str, object]) -> None:
    found = log()
    found["runs"][0]["results"][0] |= wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validators.validator_for(schema)(schema).validate(found)


def test_levels_and_places() -> None:
    (run,) = log()["runs"]
    assert [(r["level"], r["properties"]["status"]) for r in run["results"]] == [
        ("error", "fail"), ("warning", "incomplete"), ("warning", "indeterminate")
    ]  # fmt: skip
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "configs/policies/release.yaml"}, "region": {"startLine": 7}}
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_every_gate_is_a_rule_with_help_and_atlas(broken: Run) -> None:
    found = cases.verdict(broken, kind="missed_cancers", limit=0.1, bound="high")
    rules = json.loads(sarif.text(found, "p.yaml", {}))["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["complete", "it"]
    assert "To test it." in rules[1]["help"]["text"]
    assert {"AML.T0015", "AML.T0043", "AML.T0048.003"} <= set(rules[1]["properties"]["tags"])
    assert all(re.fullmatch(r"security|AML\.[TM]\d{4}(\.\d{3})?", t) for r in rules for t in r["properties"]["tags"])


def test_a_fingerprint_is_of_the_place_and_not_of_the_numbers() -> None:
    (row,) = cases.rows(1)
    same = replace(row, status="fail", observed=0.1, low=0.0, high=0.2, limit=0.5, reason="other", images=3)
    assert fingerprint(row) == fingerprint(same)
    assert fingerprint(row) == "a83c2e6eae488012ab8e7df2c84586a70e2b9d144c60522f4a24ece3103d2dd2"
    others = [replace(row, model="vit"), replace(row, gate="that"), replace(row, scope="1X")]
    assert len({fingerprint(one) for one in (row, *others)}) == 4


def test_hostile_words_are_no_links() -> None:
    (run,) = log(*cases.rows(2, reason=cases.HOSTILE))["runs"]
    text = run["results"][0]["message"]["text"]
    assert "\\[a\\](b)" in text
    assert text.isprintable()
