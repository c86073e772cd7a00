"""Stable interfaces carry their versions where programs read them."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from robustgan import stable
from robustgan.schema import SCHEMAS

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.mark.parametrize(
    ("what", "file", "version"),
    [("config", "schema.json", stable.CONFIG), ("policy", "policy.schema.json", stable.POLICY)],
)
def test_schemas_say_which_version_they_are(what: str, file: str, version: int) -> None:
    for schema in (SCHEMAS[what](), json.loads((CONFIGS / file).read_text("utf-8"))):
        assert schema["$id"] == f"urn:robustgan:{what}:{version}"


def test_references_still_lead_somewhere_under_the_id() -> None:
    schema, policy = SCHEMAS["policy"](), yaml.safe_load((CONFIGS / "policies/release.yaml").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(policy)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**policy, "gates": [{"kind": "nothing"}]})
