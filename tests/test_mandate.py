"""From the words of `robustgan audit` to a config: every form of model and data, and what is refused."""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from robustgan.errors import InputError
from robustgan.experiment import experiment
from robustgan.mandate import Mandate, config


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("net.safetensors", "net.pth", "net.pt2", "net.onnx", "my net.onnx"):
        (tmp_path / name).write_bytes(b"never read here")
    (tmp_path / "slides").mkdir()
    return tmp_path


def model(spec: str, **said: Any) -> dict[str, Any]:
    settings: dict[str, Any] = config(Mandate(spec, "slides", **said))["models"][0]["model"]
    return settings


def test_each_form_of_model(place: Path) -> None:
    told = {"kind": "checkpoint", "architecture": "resnet18"}
    assert model("net.safetensors", architecture="resnet18") == {**told, "weights": str(place / "net.safetensors")}
    assert model("net.pth", architecture="resnet18") == {**told, "weights": str(place / "net.pth")}
    assert model("net.pt2", run_code=True) == {"kind": "exported", "path": str(place / "net.pt2"), "run_code": True}
    assert model("net.onnx") == {"kind": "onnx", "path": str(place / "net.onnx")}
    function = {"kind": "function", "run_code": True}
    assert model("mine.nets:build", run_code=True) == {**function, "function": "mine.nets:build"}
    assert model("nets/mine.py:build", run_code=True) == {**function, "function": f"{place}/nets/mine.py:build"}
    weights = model("mine:build", run_code=True, weights="net.pth")
    assert weights == {**function, "function": "mine:build", "weights": str(place / "net.pth")}


PLUGIN = """
from robustgan.interfaces import Model

class Mine(Model):
    trains = False

    def build(self):
        raise RuntimeError("an audit's plan builds nothing")
"""


def test_a_plug_in_of_another_package_by_its_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "planted_plugin_of_mine.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(place))
    point = EntryPoint("mine", "planted_plugin_of_mine", "robustgan.models")
    monkeypatch.setattr("robustgan.config.entry_points", lambda group: [point] if group == point.group else [])
    assert model("mine") == {"kind": "mine"}
    with pytest.raises(InputError, match="--architecture: a model of the kind `mine`"):
        model("mine", architecture="resnet18")


def test_heads_and_normalisation(place: Path) -> None:
    assert model("net.onnx", head="malignant")["head"] == {"classes": ["malignant"]}
    eight = model("net.onnx", head="benign, " * 4 + "malignant,malignant", probabilities=True)["head"]
    assert eight == {"classes": ["benign"] * 4 + ["malignant"] * 2, "outputs": "probabilities"}
    assert model("net.onnx", probabilities=True)["head"] == {"outputs": "probabilities"}
    assert model("net.onnx", normalise="bytes")["std"] == ["1/255"] * 3
    assert "mean" not in model("net.onnx")


def test_each_form_of_data(place: Path) -> None:
    said = {"table": "all.csv", "columns": "path=file,group=patient_id", "labels": "idc=malignant,other=benign"}
    folder = config(Mandate("net.onnx", "slides", **said))["dataset"]
    assert folder == {
        "kind": "folder",
        "root": str(place / "slides"),
        "csv": "all.csv",
        "columns": {"path": "file", "group": "patient_id"},
        "labels": {"idc": 1, "other": 0},
    }
    assert config(Mandate("net.onnx", "synthetic"))["dataset"] == {"kind": "synthetic"}


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("spec", ["net.onnx", "net.pt2"])
def test_the_config_is_an_experiment_that_its_model_can_stand(
    place: Path, spec: str, share: float, quick: bool
) -> None:
    said: dict[str, Any] = {"run_code": True} if spec.endswith("pt2") else {}
    settings = config(Mandate(spec, "slides", eps=("2/255", "8/255"), train_share=share, quick=quick, **said))
    plan = experiment(settings)
    assert plan.name == "audit-net"
    assert plan.split.protocol == "audit"
    assert plan.split.training == share
    assert plan.operating.rule == "youden"
    assert plan.strength is not None
    assert plan.strength.threat.eps == 8 / 255
    assert {a.threat.eps for a in plan.attacks if a.kind == "square"} == {2 / 255, 8 / 255}
    kinds = {attack.kind for attack in plan.attacks}
    assert {"clean", "noise", "square"} <= kinds
    assert ("advgan" in kinds) == bool(share)
    if spec.endswith("onnx"):
        assert all(attack.access != "white-box" for attack in plan.attacks)
    else:
        assert {"fgsm", "pgd", "ensemble"} <= kinds


def test_names_and_rules(place: Path) -> None:
    made = config(Mandate("my net.onnx", "slides", operating="sensitivity=0.9"))
    assert made["name"] == "audit-my-net"
    assert experiment(made).operating.sensitivity == 0.9
    assert config(Mandate("mine.nets:build", "slides", run_code=True))["models"][0]["name"] == "mine-build"
    assert config(Mandate("net.onnx", "slides", name="release-7"))["name"] == "release-7"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"model": "no.onnx"}, r"--model: no file .*no.onnx. Expected is a weights file"),
        ({"model": "net.h5"}, r"--model: found `net.h5`; expected a weights file .*module:function"),
        ({"model": "densenet"}, "`densenet` has to be trained first"),
        ({"model": "net.safetensors"}, "--architecture: net.safetensors holds weights alone"),
        ({"model": "net.onnx", "architecture": "resnet18"}, "--architecture: a model of the kind `onnx`"),
        ({"model": "net.onnx", "run_code": True}, "--run-code: a model of the kind `onnx` has no use for it"),
        ({"model": "net.onnx", "weights": "net.pth"}, "--weights: a model of the kind `onnx`"),
        ({"model": "net.onnx", "normalise": "imagent"}, "Did you mean `imagenet`"),
        ({"model": "net.onnx", "data": "nowhere"}, r"--data: no folder .*nowhere, and no data set of that name"),
        ({"model": "net.onnx", "data": "synthetic", "table": "a.csv"}, "are for a folder of images"),
        ({"model": "net.onnx", "columns": "group"}, "--columns: found `group`, expected NAME=VALUE"),
    ],
)
def test_mistakes_are_named(place: Path, said: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        config(Mandate(**{"data": "slides", **said}))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"model": "net.pt2"}, "set `run_code: true`.*--run-code"),
        ({"model": "mine:build"}, "is code that would run with all rights"),
        ({"model": "net.onnx", "head": "malignant,cancer"}, "head.classes.1"),
        ({"model": "net.onnx", "columns": "patient=id"}, r"dataset.columns.patient: unknown setting"),
        ({"model": "net.onnx", "labels": "a=ill,b=benign"}, "labels"),
        ({"model": "net.onnx", "size": 50}, "multiple of 16"),
        ({"model": "net.onnx", "operating": "best"}, "operating.rule"),
        ({"model": "net.onnx", "eps": ("0",)}, "eps"),
    ],
)
def test_what_the_config_refuses(place: Path, said: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment(config(Mandate(**{"data": "slides", **said})))
