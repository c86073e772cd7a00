"""What the commands share: where they print, arguments that several take, and how a config is read.

The only place that reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from robustgan.errors import InputError
from robustgan.shipped import config_path

if TYPE_CHECKING:
    from robustgan.experiment import Experiment
    from robustgan.interfaces import Dataset
    from robustgan.stage import Place

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

FOLDERS, SPREAD, FAULTS, NOTES = "Folders", "Spreading the work", "Failures and limits", "What is printed and noted"

Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting: KEY=VALUE, for example split.folds=[2].")
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        envvar="ROBUSTGAN_DATA",
        help="Folder or URL under which configs look for data sets.",
        rich_help_panel=FOLDERS,
    ),
]
Scratch = Annotated[
    Path,
    typer.Option(
        "--scratch",
        envvar="ROBUSTGAN_SCRATCH",
        help="Local folder to work in where a URL is given.",
        rich_help_panel=FOLDERS,
    ),
]
SCRATCH = Path("~/.cache/robustgan")
Retry = Annotated[
    bool,
    typer.Option("--retry-failed", help="Try again what failed in an earlier run.", rich_help_panel=FAULTS),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.", rich_help_panel=NOTES)]


def examples(*commands: str) -> str:
    """What stands below a command's help: examples to copy, a line each."""
    return "\n\n".join(["Examples:" if len(commands) > 1 else "Example:", *(f"- `{one}`" for one in commands)])


def folders_told(data: str, out_dir: str) -> list[str]:
    """The options that name folders, for the same command once more; what the environment says it says again."""
    usual = data == os.environ.get("ROBUSTGAN_DATA", ".")
    return [*([] if usual else ["--data", data]), *([] if out_dir == "." else ["--out", out_dir])]


def threads_told(threads: int) -> list[str]:
    """The option for the same command once more: the last bits of results depend on it."""
    return [] if threads == 1 else ["--threads", str(threads)]


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


def data_folder(dataset: Dataset, data: str, scratch: Path) -> Path:
    """The folder of data sets on this disk; what is behind a URL is copied first, or what changed of it."""
    from robustgan.remote.data import found

    def tick(done: int, total: int, text: str) -> None:
        err.print(f"{text}: {done} of {total} files", markup=False, highlight=False)

    return found(data, getattr(dataset, "root", None), scratch.expanduser(), tick)


def place_of(plan: Experiment, out_dir: str, data: str, scratch: Path, threads: int = 1) -> Place:
    """Where a command reads and writes; for a URL a folder under `scratch`, and the URL keeps what is finished.

    A command plans several times, and reads the bytes of its data set once. The next command reads them again.
    """
    from robustgan.remote.address import is_url, local_name
    from robustgan.remote.depot import Depot
    from robustgan.stage import Place

    folder = data_folder(plan.dataset, data, scratch)
    if not is_url(out_dir):
        return Place(Path(out_dir).resolve(), folder, threads, digests={})
    return Place(scratch.expanduser().resolve() / local_name(out_dir), folder, threads, Depot(out_dir), digests={})


@contextmanager
def report_folder(place: str) -> Iterator[Path]:
    """A report's folder; of one behind a URL, a copy for a while."""
    from robustgan.remote.address import is_url
    from robustgan.remote.depot import read_report

    if not is_url(place):
        yield Path(place)
        return
    with TemporaryDirectory() as folder:
        yield read_report(place, Path(folder))
