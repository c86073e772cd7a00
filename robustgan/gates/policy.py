"""A policy: named demands that a run must meet, read from YAML. Every setting that a policy can have is here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import Field, field_validator

from robustgan.config import Spec, read_yaml
from robustgan.errors import InputError, nearest
from robustgan.gates.attacked import AttackedGate
from robustgan.gates.clean import CleanGate
from robustgan.gates.completeness import CompleteGate, RequiredAttacksGate
from robustgan.gates.gate import Gate
from robustgan.gates.regression import RegressionGate
from robustgan.gates.saving import SavingGate
from robustgan.gates.split import LeakFreeGate, PatientsGate
from robustgan.gates.strong import StrengthGate
from robustgan.gates.subgroups import RobustSubgroupGate, SubgroupGate
from robustgan.metrics.estimates import ENOUGH, FEWEST

AnyGate = Annotated[
    CleanGate
    | AttackedGate
    | SubgroupGate
    | RobustSubgroupGate
    | PatientsGate
    | LeakFreeGate
    | CompleteGate
    | RequiredAttacksGate
    | StrengthGate
    | SavingGate
    | RegressionGate,
    Field(discriminator="kind"),
]


class Policy(Spec):
    """What a run must show."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: str = ""
    fewest_groups: Annotated[int, Field(ge=FEWEST)] = ENOUGH  # a number from fewer patients passes nothing
    gates: tuple[AnyGate, ...] = Field(min_length=1)

    @field_validator("gates")
    @classmethod
    def _distinct(cls, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
        names = [gate.name for gate in gates]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"found twice: {', '.join(twice)}; each gate needs a name of its own")
        return gates

    @property
    def compares(self) -> bool:
        """Whether a gate needs a baseline run."""
        return any(isinstance(gate, RegressionGate) for gate in self.gates)


def read_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        InputError: no such file, or a setting is wrong; the message names it and says what is allowed.
    """
    settings = read_yaml(path)
    try:
        return policy(settings)
    except InputError as error:
        raise InputError(f"{path}:\n{error}") from None


def policy(settings: Mapping[str, Any]) -> Policy:
    """Check the settings of a policy.

    Raises:
        InputError: names every setting that is wrong.
    """
    entries = settings.get("gates")
    known = sorted(gate_kinds())
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        kind = entry.get("kind") if isinstance(entry, Mapping) else None
        if kind not in known:
            raise InputError(f"gates.{i}.kind: found {kind!r:.80}. {nearest(str(kind), known)}")
    return Policy.read(settings)


def gate_kinds() -> dict[str, str]:
    """Every kind of gate, with the first line of what it says about itself."""
    return {kind: (family.__doc__ or "").partition("\n")[0] for family in families() for kind in words(family)}


def families() -> Iterator[type[Gate]]:
    """The classes of gates; one class may stand for several kinds."""
    yield from get_args(get_args(AnyGate)[0])


def words(family: type[Gate]) -> tuple[str, ...]:
    """The kinds that a class stands for."""
    return get_args(family.model_fields["kind"].annotation)


def lines(path: Path) -> dict[str, int]:
    """Line of each gate in a policy file, by its name, from 1."""
    root = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    found: dict[str, int] = {}
    for entry in _items(root, "gates"):
        pairs = {key.value: value.value for key, value in entry.value}
        found[str(pairs.get("name"))] = entry.start_mark.line + 1
    return found


def _items(root: yaml.Node | None, key: str) -> list[Any]:
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next((value.value for name, value in pairs if name.value == key), [])
