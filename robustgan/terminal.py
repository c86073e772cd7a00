"""What the commands share: where they print, arguments that several take, and how a config is read.

The only place that reads the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from robustgan.errors import InputError
from robustgan.shipped import config_path

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
Retry = Annotated[bool, typer.Option("--retry-failed", help="Try again what failed in an earlier run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def read_plan(config: str, sets: list[str] | None) -> Experiment:
    """Read a config, with settings changed.

    Raises:
        InputError: no such config, or it is wrong; the message names the file.
    """
    from robustgan.config import override, read_yaml
    from robustgan.experiment import experiment

    path = config_path(config)
    settings = read_yaml(path)
    for one in sets or []:
        settings = override(settings, one)
    try:
        return experiment(settings)
    except InputError as error:
        raise InputError(f"{path}:\n{error}") from None
