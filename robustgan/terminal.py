"""What the commands share: where they print, arguments that several take, and how a config is found.

The only place that reads the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from robustgan.errors import InputError, nearest

if TYPE_CHECKING:
    from robustgan.experiment import Experiment

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting: KEY=VALUE, for example split.folds=[2].")
]
Data = Annotated[
    Path, typer.Option("--data", envvar="ROBUSTGAN_DATA", help="Folder under which configs look for data sets.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def configs() -> dict[str, Path]:
    """Configs that come with robustgan."""
    return {path.stem: path for path in sorted(_shipped().glob("*.yaml"))}


def policies() -> dict[str, Path]:
    """Policies that come with robustgan."""
    return {path.stem: path for path in sorted((_shipped() / "policies").glob("*.yaml"))}


def _shipped() -> Path:
    """Where they are: in the package once it is installed, beside it in a checkout."""
    here = Path(__file__).parent
    return here / "configs" if (here / "configs").is_dir() else here.parent / "configs"


def policy_path(policy: str) -> Path:
    """The file of a policy that is given as a file or by name.

    Raises:
        InputError: it is neither; the message lists the names.
    """
    if Path(policy).suffix in (".yaml", ".yml") or Path(policy).is_file():
        return Path(policy)
    known = policies()
    if policy not in known:
        raise InputError(
            f"policy: found `{policy}`, which is neither a file nor a policy of robustgan. {nearest(policy, known)}"
        )
    return known[policy]


def _config_path(config: str) -> Path:
    if Path(config).suffix in (".yaml", ".yml") or Path(config).is_file():
        return Path(config)
    known = configs()
    if config not in known:
        raise InputError(
            f"config: found `{config}`, which is neither a file nor a config of robustgan. {nearest(config, known)}"
        )
    return known[config]


def read_plan(config: str, sets: list[str] | None) -> Experiment:
    """Read a config, with settings changed.

    Raises:
        InputError: no such config, or it is wrong; the message names the file.
    """
    from robustgan.config import override, read_yaml
    from robustgan.experiment import experiment

    path = _config_path(config)
    settings = read_yaml(path)
    for one in sets or []:
        settings = override(settings, one)
    try:
        return experiment(settings)
    except InputError as error:
        raise InputError(f"{path}:\n{error}") from None
