"""What the fault suite shares: the process that forks, and a run that nothing disturbed."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
TINY = HERE / "tiny.yaml"


class Undisturbed(NamedTuple):
    """A finished run."""

    out: Path
    points: list[list[str]]  # kind, key, event, name of each point that it passed


Ask = Callable[..., int]  # (out, log, kill, later, torn) -> exit code


@pytest.fixture(scope="session")
def ask() -> Iterator[Ask]:
    command = [sys.executable, "-P", str(HERE / "zygote.py"), str(TINY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as zygote:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        pipes = zygote.stdin, zygote.stdout

        def ask(out: Path, kill: tuple[str, int] = ("", 0), later: tuple[str, ...] = (), torn: bool = False) -> int:
            words = ["run", str(TINY), "--out", str(out), "--json"]
            request = {"words": words, "log": f"{out}.log", "kill": kill, "later": later, "torn": torn}
            pipes[0].write(json.dumps(request) + "\n")
            pipes[0].flush()
            return int(json.loads(pipes[1].readline())["code"])

        yield ask
        zygote.stdin.close()


@pytest.fixture(scope="session")
def undisturbed(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    assert ask(out) == 0, Path(f"{out}.log.txt").read_text()
    return Undisturbed(out, [line.split(" ", 3) for line in Path(f"{out}.log").read_text().splitlines()])


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
