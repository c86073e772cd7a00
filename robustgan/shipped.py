"""Configs and policies that come with robustgan, and how one is found: a file, or a name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from robustgan.errors import InputError, nearest


def configs() -> dict[str, Path]:
    """Configs that come with robustgan."""
    return {path.stem: path for path in sorted(_shipped().glob("*.yaml"))}


def policies() -> dict[str, Path]:
    """Policies that come with robustgan."""
    return {path.stem: path for path in sorted((_shipped() / "policies").glob("*.yaml"))}


def config_path(config: str) -> Path:
    """The file of a config that is given as a file or by name.

    Raises:
        InputError: it is neither; the message lists the names.
    """
    return _found("config", config, configs())


def policy_path(policy: str) -> Path:
    """The file of a policy that is given as a file or by name.

    Raises:
        InputError: it is neither; the message lists the names.
    """
    return _found("policy", policy, policies())


def _found(what: str, given: str, known: Mapping[str, Path]) -> Path:
    if Path(given).suffix in (".yaml", ".yml") or Path(given).is_file():
        return Path(given)
    if given not in known:
        raise InputError(
            f"{what}: found `{given}`, which is neither a file nor a {what} of robustgan. {nearest(given, known)}"
        )
    return known[given]


def _shipped() -> Path:
    """Where they are: in the package once it is installed, beside it in a checkout."""
    here = Path(__file__).parent
    return here / "configs" if (here / "configs").is_dir() else here.parent / "configs"
