"""The settings of a config: what stands in the JSON Schema, with the comments beside the settings in the code."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel

from generate import comments
from generate.markdown import code, table
from robustgan.config import kinds, models_in, plugin_class, summary
from robustgan.experiment import Experiment
from robustgan.interfaces import AnyAttack, Dataset, Model
from robustgan.schema import config_schema

NUMBER = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[-+0-9.eE/ ]+$"}]}
WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list", "null": "nothing"}
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<", "multipleOf": "multiple of"}
PLACES = {"#/$defs/attacks.": "an attack", "#/$defs/models.": "a model", "#/$defs/datasets.": "a data set"}
PLUGINS = (AnyAttack, Dataset, Model)  # described by their kinds


@cache
def whole() -> dict[str, Any]:
    """The JSON Schema of a config."""
    return config_schema()


def config() -> str:
    """A section for the config itself and one for each part of it."""
    schema = whole()
    parts = {name: schema["$defs"][name] for name in _parts(Experiment) if name in schema["$defs"]}
    sections = [section("Experiment", Experiment, schema)]
    return "\n\n".join(sections + [section(name, _parts(Experiment)[name], part) for name, part in parts.items()])


def kinds_of(package: str) -> str:
    """A section for each kind of a package, and for the groups of settings inside it."""
    definitions, shared = whole()["$defs"], _parts(Experiment)
    sections = []
    for kind in kinds(package):
        cls = plugin_class(package, kind)
        sections.append(section(f"kind: {kind}", cls, definitions[f"{package}.{kind}"], summary(package, kind)))
        inside = {name: part for name, part in _parts(cls).items() if name not in shared and name in definitions}
        sections += [section(f"{kind}: {name}", one, definitions[name], level="####") for name, one in inside.items()]
    return "\n\n".join(sections)


def section(title: str, cls: type[BaseModel], schema: dict[str, Any], text: str = "", level: str = "###") -> str:
    """Heading, what it is, and a table of its settings."""
    said = comments.beside(cls)
    required = schema.get("required", [])
    rows = [
        (code(name), _kind(one), _default(one, name in required), one.get("description") or said.get(name, ""))
        for name, one in schema.get("properties", {}).items()
        if name != "kind"
    ]
    head = f"{level} {title}\n\n{text or (inspect.getdoc(cls) or '').partition(chr(10))[0]}\n\n"
    return head + (table(("setting", "value", "default", "meaning"), rows) if rows else "No settings.")


def _parts(cls: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The groups of settings that a class holds, at any depth, by name."""
    found: dict[str, type[BaseModel]] = {}
    for part in _held(cls):
        if not issubclass(part, PLUGINS) and part.__name__ not in found:
            found |= {part.__name__: part, **_parts(part)}
    return found


def _held(cls: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in cls.model_fields.values():
        yield from models_in(field.annotation)
        for extra in field.metadata:
            yield from models_in(extra)


def _kind(one: dict[str, Any]) -> str:
    """What may stand there, in words."""
    if "$ref" in one:
        return _named(one["$ref"])
    if one.get("anyOf", [])[:2] == NUMBER["anyOf"]:
        return " ".join(["number", *_limits(one)])
    if choices := one.get("oneOf") or one.get("anyOf"):
        return " or ".join(dict.fromkeys(_kind(choice) for choice in choices))
    if "enum" in one or "const" in one:
        return ", ".join(f"`{value}`" for value in one.get("enum", [one.get("const")]))
    if one.get("type") == "array":
        return f"list of: {_kind(one['items'])}" if one.get("items") else "list"
    return " ".join([WORDS.get(one.get("type", ""), one.get("type", "anything")), *_limits(one)])


def _limits(one: dict[str, Any]) -> list[str]:
    return [", ".join(f"{word} {one[key]:g}" for key, word in LIMITS.items() if key in one)]


def _named(reference: str) -> str:
    if reference.endswith("Gate"):
        return "a gate (`kind`)"
    place = next((word for start, word in PLACES.items() if reference.startswith(start)), "")
    return f"{place} (`kind`)" if place else f"`{reference.rpartition('/')[2]}`"


def _default(one: dict[str, Any], required: bool) -> str:
    if required:
        return "**required**"
    return code(json.dumps(one["default"])) if "default" in one and len(json.dumps(one["default"])) < 60 else ""
