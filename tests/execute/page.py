"""The commands of docs/running.md for dask and SLURM, taken from the page: only host, port and paths are changed."""

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[2] / "docs" / "running.md"


class Page(NamedTuple):
    """What the section on dask has one type."""

    own: str  # a run that starts a cluster itself
    exports: str  # settings of TLS
    scheduler: str
    worker: str
    run: str  # on the cluster that was started by hand
    daemon: str  # for trainings that several processes share


def read() -> Page:
    """The commands, in the page's order; another number of them is an error here."""
    section = under("On a dask cluster")
    own, exports, scheduler, worker, run = re.findall(r"```(?:bash|console)\n(?:\$ )?(.*?)\n```", section, re.DOTALL)
    (daemon,) = re.findall(r"`(export DASK_DISTRIBUTED__WORKER\w+=\w+)`", section)
    assert exports.startswith("export DASK_DISTRIBUTED__COMM__TLS__")
    assert scheduler.startswith("dask scheduler ")
    assert " dask worker tls://" in worker
    assert run.startswith("robustgan run quickstart --backend dask --scheduler tls://")
    return Page(own, exports, scheduler, worker, run, daemon)


def under(heading: str) -> str:
    """A section of the page."""
    _, found, section = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")
    assert found, heading
    return section.partition("\n## ")[0]


def job(folder: Path) -> Path:
    """The file with what a job of SLURM asks for, as the page's command writes it."""
    (command,) = re.findall(r"```bash\n(cat > job\.yaml .*?)\n```", under("On SLURM"), re.DOTALL)
    subprocess.run(["bash", "-ec", command], cwd=folder, check=True)
    return folder / "job.yaml"


def here(command: str, folder: Path, port: int) -> str:
    """A command of the page with the names of this machine."""
    for theirs, ours in (("node1", "127.0.0.1"), ("8786", str(port)), ("/etc/robustgan", folder), ("/shared", folder)):
        command = command.replace(theirs, str(ours))
    return command


def exported(commands: str, env: dict[str, str]) -> dict[str, str]:
    """The environment after some `export`s."""
    shell = subprocess.run(["bash", "-ec", f"{commands}\nenv -0"], env=env, capture_output=True, check=True)
    return dict(line.split("=", 1) for line in shell.stdout.decode().split("\0") if line)


def shell(command: str) -> list[str]:
    """Words that start a command as a shell would, in a process of its own and not the shell's."""
    return ["bash", "-ec", f"exec env {command}"]


def tls(env: dict[str, str]) -> dict[str, str]:
    """The settings of TLS in an environment, by the names that `dask.config.set` knows."""
    names = (name for name in env if name.startswith("DASK_DISTRIBUTED__COMM__TLS__"))
    return {name.removeprefix("DASK_").lower().replace("__", ".").replace("_", "-"): env[name] for name in names}


def path_with(folder: Path) -> str:
    """PATH with the commands of this environment first."""
    return os.pathsep.join([str(folder), os.environ.get("PATH", "")])
