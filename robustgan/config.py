"""Settings: strict, frozen, readable without torch.

A config is YAML; every part of it becomes a `Spec`. A plug-in is a `Spec` found by the name of its file: `kind: pgd`
among the attacks means `robustgan/attacks/pgd.py`, or an entry point `pgd` in the group `robustgan.attacks`.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import json
import math
from collections.abc import Hashable, Iterator, Mapping
from fractions import Fraction
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema

from robustgan.errors import InputError, nearest


def number(value: object) -> object:
    """Read `8/255` and `1e-3` (which YAML 1.1 calls a string) as the numbers that they are."""
    if isinstance(value, str):
        try:
            value = float(Fraction(value.replace(" ", "")))
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"found {value!r}, which is no number (write 0.03, 1e-3 or 8/255)") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"found {value!r}, allowed are finite numbers")
    return value


Number = Annotated[
    float,
    BeforeValidator(number),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[-+0-9.eE/ ]+$"}]}),
]


S = TypeVar("S", bound="Spec")  # not `Self`: the shape checks of the tests cannot read that


class Spec(BaseModel):
    """Settings: unknown keys are refused, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, strict=False)

    @classmethod
    def read(cls: type[S], settings: Mapping[str, Any], where: str = "") -> S:
        """Check `settings` and return them as this class.

        Raises:
            InputError: a key or a value is not allowed; the message names the key, what was found and what is allowed.
        """
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise InputError(explain(cls, error, where)) from None


class Plugin(Spec):
    """Settings with behaviour, in a file of its own; the name of the file is its kind."""

    @property
    def kind(self) -> str:
        """The word that stands for this class in a config: the name of its file."""
        return type(self).__module__.rpartition(".")[2]

    def settings(self) -> dict[str, Any]:
        """Everything needed to build an equal object: `plugin(package, settings)` is the way back."""
        return {"kind": self.kind, **self.model_dump(mode="json")}


def explain(cls: type[BaseModel], error: ValidationError, where: str = "") -> str:
    """Turn a validation error into one line a problem: key, found, allowed, nearest match."""
    lines = []
    for problem in error.errors(include_url=False):
        key = ".".join(str(part) for part in (*filter(None, [where]), *problem["loc"])) or "config"
        if problem["type"] == "extra_forbidden":
            name, fields = str(problem["loc"][-1]), fields_at(cls, problem["loc"][:-1])
            lines.append(f"{key}: unknown setting. {nearest(name, fields)}")
        elif problem["type"] == "missing":
            lines.append(f"{key}: a required setting is missing.")
        else:
            found = "" if "found" in problem["msg"] else f" (found {problem['input']!r:.80})"
            lines.append(f"{key}: {problem['msg'].removeprefix('Value error, ')}{found}")
    return "\n".join(lines)


def fields_at(cls: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Names of the settings of the model that `path` leads to inside `cls`."""
    models = [cls]
    for part in path:
        if isinstance(part, int):
            continue
        inner = [m for model in models for m in models_in(getattr(model.model_fields.get(part), "annotation", None))]
        models = inner or models  # a part that names a member of a union leads nowhere deeper
    return sorted({name for model in models for name in model.model_fields})


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """All models that an annotation mentions: the parts of a union, the items of a tuple."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


# ------------------------------------------------------------------------------------------------------ plug-ins


def kinds(package: str) -> dict[str, Path | str]:
    """Every kind of a package (`attacks`, `datasets`, `models`), without importing any: name -> file or entry point."""
    found: dict[str, Path | str] = {**_own(package)}
    for point in entry_points(group=f"robustgan.{package}"):
        found.setdefault(point.name, point.value)
    return found


def module_of(package: str, kind: str) -> str:
    """Name of the module that a kind stands for.

    Raises:
        InputError: there is no such kind.
    """
    if kind in _own(package):  # without a look at every package that is installed
        return f"robustgan.{package}.{kind}"
    known = kinds(package)
    if kind not in known:
        raise InputError(f"{package}: no kind `{kind}`. {nearest(kind, known)}")
    return str(known[kind]).partition(":")[0]


@functools.cache
def _own(package: str) -> dict[str, Path]:
    """The kinds that robustgan itself has, and their files."""
    folder = Path(__file__).parent / package
    return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}


def plugin_class(package: str, kind: str) -> type[Plugin]:
    """Import the one plug-in class that the file of this kind defines."""
    module = importlib.import_module(module_of(package, kind))
    local = [c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == module.__name__]
    found = [c for c in local if issubclass(c, Plugin)]
    if len(found) != 1:
        names = ", ".join(c.__name__ for c in found) or "none"
        raise InputError(f"{module.__name__}: a plug-in file defines exactly one plug-in class, found {names}.")
    if missing := sorted(getattr(found[0], "__abstractmethods__", ())):
        raise InputError(f"{module.__name__}: {found[0].__name__} does not define {', '.join(missing)}.")
    return found[0]


def plugin(package: str, settings: object, where: str = "") -> Any:
    """Build the plug-in that `settings` describe (`kind` names the file, the rest are its settings).

    Its class is known at run time alone: a Dataset, Model or Attack, as the package says.

    Raises:
        InputError: no mapping, no `kind`, an unknown kind, or settings that the kind refuses.
    """
    if not isinstance(settings, Mapping) or "kind" not in settings:
        raise InputError(
            f"{where}: found {settings!r:.80}, expected a mapping with `kind`. {nearest('', kinds(package))}"
        )
    rest = {str(key): value for key, value in settings.items() if key != "kind"}
    return plugin_class(package, str(settings["kind"])).read(rest, where)


def summary(package: str, kind: str) -> str:
    """First line of the docstring of a kind's file, read without importing it."""
    place = kinds(package)[kind]
    if not isinstance(place, Path):
        spec = importlib.util.find_spec(place.partition(":")[0])
        if spec is None or spec.origin is None:
            return f"(entry point {place})"
        place = Path(spec.origin)
    return (ast.get_docstring(ast.parse(place.read_text("utf-8"))) or "").partition("\n")[0]


# ---------------------------------------------------------------------------------------------------------- YAML


class StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # C: where it was built in
    """YAML without surprises: a key that stands twice is an error, not a silent overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping, refusing a repeated key."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise InputError(f"line {node.start_mark.line + 1}: key given twice: {', '.join(twice)}")
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises:
        InputError: the file is missing, is no YAML, holds no mapping, or gives a key twice.
    """
    try:
        content = yaml.load(path.read_text("utf-8"), Loader=StrictLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {error}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {type(content).__name__}, expected a mapping of settings.")
    return content


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds one object.

    Raises:
        InputError: the file is missing, is no JSON, or holds no object.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {type(content).__name__}, expected an object.")
    return content


def override(settings: dict[str, Any], assignment: str) -> dict[str, Any]:
    """Apply one `a.b.0.c=value` to settings; the value is read as YAML.

    Raises:
        InputError: no `=`, or a step of the path that leads nowhere.
    """
    path, sign, text = assignment.partition("=")
    if not sign or not path:
        raise InputError(f"--set {assignment}: expected KEY=VALUE, for example --set seed=1.")
    changed: dict[str, Any] = _assign(settings, path.split("."), yaml.safe_load(text), assignment)
    return changed


def _assign(place: Any, path: list[str], value: object, assignment: str) -> Any:
    head, *rest = path
    if isinstance(place, list):
        if not head.isdigit() or int(head) >= len(place):
            raise InputError(
                f"--set {assignment}: `{head}` is no index of a list of {len(place)} (0..{len(place) - 1})."
            )
        changed = _assign(place[int(head)], rest, value, assignment) if rest else value
        return [changed if i == int(head) else item for i, item in enumerate(place)]
    if not isinstance(place, dict):
        raise InputError(f"--set {assignment}: nothing to set inside {place!r:.60}.")
    return {**place, head: _assign(place.get(head, {}), rest, value, assignment) if rest else value}
