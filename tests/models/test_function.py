"""The user's own module: called only with leave, with its weights, and every file counted."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from robustgan import config, weights
from robustgan.errors import InputError
from robustgan.freezing import weights_digest
from robustgan.interfaces import Model
from tests.models.planted import TINY


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(TINY)
    return tmp_path / "mine.py"


def model(function: str, **settings: Any) -> Model:
    made = config.plugin("models", {"kind": "function", "function": function, "run_code": True, **settings})
    assert isinstance(made, Model)
    return made


def test_a_function_of_a_file_with_weights_and_a_head(mine: Path, tmp_path: Path) -> None:
    head = {"classes": ["benign"] * 3 + ["malignant"] * 5}
    made = model(f"{mine}:build", arguments={"outputs": 8}, head=head)
    source = made.build()
    assert not any(module.training for module in source.modules())
    inner = source.get_submodule("backbone.network")
    weights.save(inner, tmp_path / "mine.safetensors")
    x = torch.rand(4, 3, 16, 16)
    wanted = inner(x).softmax(1)[:, 3:].sum(1)
    torch.manual_seed(99)
    again = made.model_copy(update={"weights": tmp_path / "mine.safetensors"}).build()
    torch.testing.assert_close(again(x).softmax(1)[:, 1], wanted)


def test_the_run_keeps_the_weights(mine: Path, tmp_path: Path) -> None:
    made = model(f"{mine}:build")
    built = made.build()
    weights.save(built, tmp_path / "kept.safetensors")
    again = made.skeleton()
    weights.load(again, tmp_path / "kept.safetensors")
    assert weights_digest(again) == weights_digest(built)


def test_a_module_on_the_path(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = mine.parent / "planted_package_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nets.py").write_text(TINY)
    monkeypatch.syspath_prepend(str(mine.parent))
    made = model("planted_package_of_mine.nets:build")
    assert "planted_package_of_mine.nets" not in sys.modules
    before = made.fingerprint()
    assert "planted_package_of_mine.nets" not in sys.modules
    assert made.build()(torch.rand(2, 3, 8, 8)).shape == (2, 2)
    (package / "nets.py").write_text(TINY + "\n")
    assert made.fingerprint() != before


def test_every_file_counts(mine: Path, tmp_path: Path) -> None:
    for name in ("w.safetensors", "extra.json"):
        (tmp_path / name).write_bytes(b"one")
    told = {"weights": str(tmp_path / "w.safetensors"), "files": [str(tmp_path / "extra.json")]}
    made = model(f"{mine}:build", **told)
    seen = {made.fingerprint()}
    for name in ("mine.py", "w.safetensors", "extra.json"):
        (tmp_path / name).write_bytes(b"# two")
        seen.add(made.fingerprint())
    assert len(seen) == 4


def test_nothing_runs_without_leave(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath(__file__).with_name('created').touch()\n")
    with pytest.raises(InputError, match=r"run_code: .*evil.py:build is code that would run with all rights"):
        model(f"{tmp_path / 'evil.py'}:build", run_code=False)
    model(f"{tmp_path / 'evil.py'}:build").fingerprint()
    assert not (tmp_path / "created").exists()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("{mine}:biuld", "has no function `biuld`.*Did you mean `build`"),
        ("{mine}:broken", "broken: failed: KeyError: 'no weights here'"),
        ("{mine}:number", "returned a int, expected a torch.nn.Module"),
        ("no_such_package_of_mine.nets:build", "no module `no_such_package_of_mine.nets` on Python's path"),
        ("{mine}x.py:build", "importing .* failed: FileNotFoundError"),
        ("{mine}", "function"),
    ],
)
def test_mistakes_are_named(mine: Path, function: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        model(function.format(mine=mine)).build()


def test_arguments_that_the_function_does_not_take(mine: Path) -> None:
    with pytest.raises(InputError, match=r"build: failed: TypeError.*'depth'"):
        model(f"{mine}:build", arguments={"depth": 3}).build()
