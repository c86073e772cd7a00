"""JSON Schema of a config, with every kind of data set, model and attack: editors complete and check with it.

Those of a policy and of a verdict are beside it.
"""

from __future__ import annotations

from typing import Any

from robustgan import stable
from robustgan.config import kinds, plugin_class, summary
from robustgan.experiment import Experiment
from robustgan.gates import Policy, document

PLACES = {"dataset": "datasets", "model": "models", "attacks": "attacks"}


def config_schema() -> dict[str, Any]:
    """The schema of a whole config file, as plain values."""
    root = Experiment.model_json_schema()
    definitions = root.setdefault("$defs", {})
    for package in PLACES.values():
        for kind in kinds(package):
            definitions[f"{package}.{kind}"] = _kind_schema(package, kind, definitions)
    root["properties"]["dataset"] = _any_of("datasets")
    root["properties"]["attacks"]["items"] = _any_of("attacks")
    definitions["Victim"]["properties"]["model"] = _any_of("models")
    for unused in ("AnyAttack", "Dataset", "Model"):
        definitions.pop(unused, None)
    return {**_head("config", stable.CONFIG), **root, "title": "robustgan config"}


def _any_of(package: str) -> dict[str, Any]:
    return {"oneOf": [{"$ref": f"#/$defs/{package}.{kind}"} for kind in kinds(package)]}


def _kind_schema(package: str, kind: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Schema of one kind; what it refers to goes among the definitions."""
    schema = plugin_class(package, kind).model_json_schema()
    for name, definition in schema.pop("$defs", {}).items():
        definitions.setdefault(name, _listed_eps(definition) if package == "attacks" else definition)
    word = {"const": kind, "description": summary(package, kind)}
    required = ["kind", *schema.get("required", [])]
    return {**schema, "properties": {"kind": word, **schema.get("properties", {})}, "required": required}


def _listed_eps(definition: dict[str, Any]) -> dict[str, Any]:
    """Let `eps` be a list: the attack then runs once for each."""
    properties = definition.get("properties", {})
    if "eps" not in properties:
        return definition
    one = properties["eps"]
    eps = {
        "anyOf": [one, {"type": "array", "items": one, "minItems": 1}],
        "description": "[0, 1] scale; a list runs each",
    }
    return {**definition, "properties": {**properties, "eps": eps}}


def policy_schema() -> dict[str, Any]:
    """The schema of a policy file."""
    root = Policy.model_json_schema()
    return {**_head("policy", stable.POLICY), **root, "title": "robustgan policy"}


def _head(interface: str, version: int) -> dict[str, str]:
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, "$id": stable.schema_id(interface, version)}


SCHEMAS = {"config": config_schema, "policy": policy_schema, "verdict": document.schema}
