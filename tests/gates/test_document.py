"""The verdict as JSON."""

import json
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest

from robustgan.gates import Row, Run, document
from tests.gates import cases

PUBLISHED = Path(__file__).parents[2] / "configs" / "verdict.schema.json"


def test_the_published_schema_is_the_code_s() -> None:
    assert json.loads(PUBLISHED.read_text()) == document.schema(), (
        "run: robustgan schema verdict > configs/verdict.schema.json"
    )


def test_the_document_is_what_the_schema_says(robust: Run, broken: Run) -> None:
    rule = {"kind": "sensitivity_drop", "limit": 0.1, "bound": "high"}
    for verdict in (cases.verdict(robust, **rule), cases.verdict(broken, **rule), cases.of_rows(cases.rows())):
        found = json.loads(document.text(verdict), parse_constant=pytest.fail)
        jsonschema.validate(found, document.schema())
        assert set(found) == set(document.schema()["properties"])
        assert (found["schema_version"], found["status"], found["exit_code"]) == (1, verdict.status, verdict.exit_code)
        assert [set(row) for row in found["rows"]] == [{field.name for field in fields(Row)}] * len(verdict.rows)


@pytest.mark.parametrize("change", [{"status": "maybe"}, {"rows": [{}]}, {"schema_version": 2}, {"exit_code": 2}])
def test_the_schema_refuses_other_things(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document.content(cases.of_rows(cases.rows())), **change}, document.schema())


def test_hostile_words_come_back_as_they_were() -> None:
    found = json.loads(document.text(cases.of_rows(cases.rows(1, reason=cases.HOSTILE))))
    assert found["rows"][0]["reason"] == cases.HOSTILE
    assert found["run"]["name"] == cases.HOSTILE
