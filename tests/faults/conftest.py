"""What the fault suite shares: the process that forks, and a run that nothing disturbed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from robustgan.config import read_yaml
from robustgan.experiment import experiment
from robustgan.stage import Place, Stage
from robustgan.stages import stages

HERE = Path(__file__).parent
TINY = HERE / "tiny.yaml"


class Undisturbed(NamedTuple):
    """A finished run."""

    out: Path
    points: list[list[str]]  # kind, key, event, name of each point that it passed


Ask = Callable[..., list[int]]  # (out, *faults): exit codes of robustgans that run at once (see zygote.py)


@pytest.fixture(scope="session")
def ask() -> Iterator[Ask]:
    command = [sys.executable, "-P", str(HERE / "zygote.py"), str(TINY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as zygote:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        pipes = zygote.stdin, zygote.stdout

        def ask(out: Path, *faults: dict[str, Any]) -> list[int]:
            words = ["run", str(TINY), "--out", str(out), "--backend", "here", "--json"]
            request = {"words": words, "log": f"{out}.log", "faults": faults or [{}]}
            pipes[0].write(json.dumps(request) + "\n")
            pipes[0].flush()
            found: list[int] = json.loads(pipes[1].readline())
            return found

        yield ask
        zygote.stdin.close()


@pytest.fixture(scope="session")
def undisturbed(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    assert ask(out) == [0], printed(out)
    return Undisturbed(out, points(out))


@pytest.fixture
def copy(undisturbed: Undisturbed, tmp_path: Path) -> Path:
    """A copy of the finished run, to be damaged."""
    out = tmp_path / "out"
    shutil.copytree(undisturbed.out, out)
    return out


def todo(out: Path, **changes: object) -> list[Stage]:
    """The stages of the run, with settings changed."""
    return stages(experiment({**read_yaml(TINY), **changes}), Place(out, Path()))


def undo(out: Path, *names: str) -> list[Path]:
    """Remove stages by the beginning of their names, as if they were still to do; returns their folders."""
    gone = [Place(out, Path()).folder(stage) for stage in todo(out) if stage.name.startswith(names)]
    for folder in gone:
        shutil.rmtree(folder)
    return gone


def points(out: Path) -> list[list[str]]:
    """Kind, key, event and name of each point that the runs in this folder passed."""
    return [line.split(" ", 3) for line in Path(f"{out}.log").read_text("utf-8").splitlines()]


def printed(out: Path) -> str:
    """What the runs in this folder printed."""
    return Path(f"{out}.log.txt").read_text("utf-8")


def same(out: Path, whole: Path) -> None:
    """Every stage and the report are those of the undisturbed run, to the byte."""
    there, expected = finished(out), finished(whole)
    assert set(there) == set(expected)
    for name, folder in there.items():
        assert contents(folder) == contents(expected[name]), name
    assert contents(out / "reports" / "tiny") == contents(whole / "reports" / "tiny")


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file below a folder but its `run.json`, which holds durations."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / "run.json"
    }


def finished(out: Path) -> dict[str, Path]:
    """Folders of the stages that are there."""
    found = (path for path in (out / "runs").glob("[a-z]*/*") if not path.name.endswith(".partial"))
    return {f"{path.parent.name}/{path.name}": path for path in found}
