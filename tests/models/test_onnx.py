"""ONNX victims: the same answers, any batch, no gradients, and a digest of the whole file."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from robustgan import config, weights
from robustgan.errors import InputError
from robustgan.freezing import frozen, weights_digest
from robustgan.interfaces import Model
from tests.models.planted import onnx_file

WEIGHT, BIAS = torch.tensor([[1.0, -2.0, 0.5], [-3.0, 0.25, 4.0]]), torch.tensor([0.1, -0.2])


def model(path: Path, **settings: Any) -> Model:
    made = config.plugin("models", {"kind": "onnx", "path": str(path), **settings})
    assert isinstance(made, Model)
    assert not made.gradients
    return made


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_it_answers_as_the_formula_says(tmp_path: Path, batch: int | str) -> None:
    built = model(onnx_file(WEIGHT, BIAS, tmp_path / "m.onnx", batch=batch)).build()
    x = torch.rand(6, 3, 16, 16)
    torch.testing.assert_close(built(x), x.mean((2, 3)) @ WEIGHT.T + BIAS)


def test_a_head_and_a_normalisation(tmp_path: Path) -> None:
    path = onnx_file(WEIGHT[:1], BIAS[:1], tmp_path / "m.onnx")
    told = {"head": {"classes": ["malignant"]}, "mean": [0.5] * 3, "std": [0.25] * 3}
    x = torch.rand(6, 3, 16, 16)
    z = ((x - 0.5) / 0.25).mean((2, 3)) @ WEIGHT[0] + BIAS[0]
    torch.testing.assert_close(model(path, **told).build()(x).softmax(1)[:, 1], z.sigmoid())


def test_no_gradients_come_back(tmp_path: Path) -> None:
    built = model(onnx_file(WEIGHT, BIAS, tmp_path / "m.onnx")).build()
    assert not built(torch.rand(2, 3, 8, 8).requires_grad_()).requires_grad


def test_the_run_knows_its_file(tmp_path: Path) -> None:
    path = onnx_file(WEIGHT, BIAS, tmp_path / "m.onnx")
    made = model(path)
    with frozen(made.build()) as built:
        weights.save(built, tmp_path / "kept.safetensors")
    again = made.skeleton()
    weights.load(again, tmp_path / "kept.safetensors")
    assert weights_digest(again) == weights_digest(built)
    before = made.fingerprint()
    onnx_file(WEIGHT + 1, BIAS, path)
    assert made.fingerprint() != before
    assert weights_digest(made.build()) != weights_digest(built)
    with pytest.raises(InputError, match="file is not the one that this run began with"):
        weights.load(made.skeleton(), tmp_path / "kept.safetensors")


def test_mistakes_are_named(tmp_path: Path) -> None:
    path = onnx_file(WEIGHT, BIAS, tmp_path / "m.onnx", side=24)
    with pytest.raises(InputError, match="takes images of 24 x 24 pixels and got 16 x 16"):
        model(path).build()(torch.rand(2, 3, 16, 16))
    with pytest.raises(InputError, match=r"output: found `score`. Allowed: scores. Did you mean `scores`"):
        model(path, output="score").build()
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"m.onnx: onnxruntime .* cannot run it"):
        model(path).build()
    with pytest.raises(InputError, match=r"no.onnx cannot be read"):
        model(tmp_path / "no.onnx").fingerprint()


def test_without_onnxruntime_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = onnx_file(WEIGHT, BIAS, tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'robustgan\[onnx\]'"):
        model(path).build()
