"""Exported programs: the same answers and gradients, any batch, one mode, and nothing read without leave."""

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from robustgan import config, weights
from robustgan.errors import InputError
from robustgan.freezing import frozen, weights_digest
from robustgan.interfaces import Model
from tests.models.planted import export, tiny
from tests.models.test_checkpoint import Payload


def model(path: Path, **settings: Any) -> Model:
    made = config.plugin("models", {"kind": "exported", "path": str(path), "run_code": True, **settings})
    assert isinstance(made, Model)
    return made


@pytest.mark.parametrize("batch", [None, 1, 4])
def test_it_answers_as_the_network_did_and_gradients_flow(tmp_path: Path, batch: int | None) -> None:
    network = tiny()
    built = model(export(network, tmp_path / "m.pt2", batch=batch)).build()
    x = torch.rand(6, 3, 32, 32).requires_grad_()
    torch.testing.assert_close(built(x), network(x))
    found, wanted = (torch.autograd.grad(one(x)[:, 1].sum(), x)[0] for one in (built, network))
    torch.testing.assert_close(found, wanted)


def test_a_head_and_a_normalisation(tmp_path: Path) -> None:
    network = tiny(outputs=1)
    path = export(network, tmp_path / "m.pt2")
    built = model(path, head={"classes": ["malignant"]}, mean=[0.5] * 3, std=[0.25] * 3).build()
    x = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(built(x).softmax(1)[:, 1], network((x - 0.5) / 0.25).sigmoid()[:, 0])
    with pytest.raises(InputError, match="gives 1 outputs an image"):
        model(path, head={"classes": ["malignant", "benign"]}).build()(x)


def test_its_mode_stays_whatever_is_asked(tmp_path: Path) -> None:
    built = model(export(tiny(), tmp_path / "m.pt2")).build()
    with frozen(built.train()) as held:
        assert not any(module.training for module in held.modules())
    program = built.get_submodule("backbone")
    assert not any(module.training for module in program.train().modules())


def test_the_run_keeps_its_weights_and_knows_its_file(tmp_path: Path) -> None:
    path = export(tiny(), tmp_path / "m.pt2")
    made = model(path)
    built = made.build()
    weights.save(built, tmp_path / "kept.safetensors")
    again = made.skeleton()
    weights.load(again, tmp_path / "kept.safetensors")
    assert weights_digest(again) == weights_digest(built)
    before = made.fingerprint()
    export(tiny(seed=1), path)
    assert made.fingerprint() != before
    with pytest.raises(InputError, match="file is not the one that this run began with"):
        weights.load(made.skeleton(), tmp_path / "kept.safetensors")


def test_a_changed_weight_changes_the_digest(tmp_path: Path) -> None:
    built = model(export(tiny(), tmp_path / "m.pt2")).build()
    before = weights_digest(built)
    with torch.no_grad():
        next(built.parameters()).add_(1)
    assert weights_digest(built) != before


def test_nothing_is_read_without_leave(tmp_path: Path) -> None:
    """Shows why leave is needed: torch itself runs what this archive holds."""
    path = export(tiny(), tmp_path / "m.pt2")
    buffer = io.BytesIO()
    torch.save(Payload(tmp_path / "created"), buffer)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(tmp_path / "evil.pt2", "w") as target:
        for name in source.namelist():
            inputs = name.endswith(("sample_inputs/model.pt", "serialized_example_inputs.pt"))
            target.writestr(name, buffer.getvalue() if inputs else source.read(name))
    with pytest.raises(InputError, match=r"run_code: reading .*evil.pt2.*set `run_code: true`"):
        model(tmp_path / "evil.pt2", run_code=False)
    assert not (tmp_path / "created").exists()
    with warnings.catch_warnings(action="ignore"), pytest.raises(InputError):
        model(tmp_path / "evil.pt2").build()
    assert (tmp_path / "created").exists(), "torch reads exported programs safely now: is `run_code` still needed?"


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.pt2").write_bytes(content)
    with pytest.raises(InputError, match=r"m.pt2: torch .* cannot read it as an exported program"):
        model(tmp_path / "m.pt2").build()


def test_a_size_that_it_was_not_exported_for(tmp_path: Path) -> None:
    built = model(export(tiny(), tmp_path / "m.pt2", side=48)).build()
    with pytest.raises(InputError, match=r"takes images of 48 x 48 pixels and got 32 x 32. Set `pixels.size`"):
        built(torch.rand(2, 3, 32, 32))


def test_two_inputs(tmp_path: Path) -> None:
    class Two(torch.nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return x + y

    x = torch.rand(2, 3, 8, 8)
    torch.export.save(torch.export.export(Two(), (x, x)), tmp_path / "m.pt2")
    with pytest.raises(InputError, match="found the inputs x, y; expected is one"):
        model(tmp_path / "m.pt2").build()
