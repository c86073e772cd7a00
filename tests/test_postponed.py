"""Start-up: what a command does not need is not imported. Modules are named, seconds are in the benchmark's table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from robustgan.postponed import Postponed, postpone

HEAVY = {
    "torch",
    "torchvision",
    "timm",
    "art",
    "sklearn",
    "seaborn",
    "matplotlib",
    "numpy._core",
    "scipy._lib",
    "pandas.core",
    "pyarrow",
}
TELL = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from robustgan.cli import main
sys.argv = ["robustgan", *sys.argv[1:]]
main()
"""


def loaded(*words: str) -> set[str]:
    """Names of all modules that a command has imported at its end."""
    done = subprocess.run([sys.executable, "-c", TELL, *words], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "words",
    [("--help",), ("--version",), ("run", "--help"), ("list", "attacks"), ("list", "metrics"), ("list", "gates"),
     ("list", "configs"), ("plan", "quickstart"), ("plan", "audit")],
    ids=" ".join,
)  # fmt: skip
def test_planning_and_listing_import_nothing_heavy(words: tuple[str, ...]) -> None:
    assert not loaded(*words) & HEAVY


def test_what_needs_no_config_does_not_even_import_pydantic_or_numpy() -> None:
    assert not loaded("--help") & {"pydantic", "numpy._core", "asyncio"}


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "example_of_a_module.py").write_text("print('loaded')\nVALUE = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "example_of_a_module", raising=False)
    return "example_of_a_module"


def test_a_postponed_module_is_loaded_by_its_first_use_and_once(
    example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    postpone(example)
    import example_of_a_module as stand_in  # type: ignore[import-not-found]

    assert isinstance(stand_in, Postponed)
    assert capsys.readouterr().out == ""
    assert (stand_in.VALUE, stand_in.VALUE) == (3, 3)
    assert capsys.readouterr().out == "loaded\n"
    import example_of_a_module as real

    assert not isinstance(real, Postponed)
    with pytest.raises(AttributeError, match="OTHER"):
        _ = stand_in.OTHER


def test_what_is_loaded_or_missing_is_left_alone() -> None:
    postpone("sys")
    postpone("no_such_module_anywhere")
    assert sys.modules["sys"] is sys
    with pytest.raises(ModuleNotFoundError):
        __import__("no_such_module_anywhere")
