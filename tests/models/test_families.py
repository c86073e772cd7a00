import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from robustgan import config, weights
from robustgan.errors import InputError
from robustgan.interfaces import Model

SMALL: list[dict[str, Any]] = [
    {"kind": "densenet", "variant": "compact", "growth_rate": 4, "block_config": [1, 2]},
    {"kind": "densenet", "variant": "compact", "growth_rate": 4, "block_config": [1, 2], "stem": "half"},
    {"kind": "densenet", "variant": "densenet121"},
    {"kind": "resnet", "channels": [4, 4, 8, 8]},
    {"kind": "resnet", "variant": "resnet10t"},
    {"kind": "vit", "width": 12, "depth": 1, "heads": 2},
]


def model(settings: dict[str, Any]) -> Model:
    made = config.plugin("models", settings)
    assert isinstance(made, Model)
    return made


def built(settings: dict[str, Any], seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return model(settings).build()


@pytest.mark.parametrize("settings", SMALL)
@pytest.mark.parametrize("size", [32, 48, 64])
def test_every_size_of_image_gives_two_finite_logits(settings: dict[str, Any], size: int) -> None:
    logits = built(settings).eval()(torch.rand(2, 3, size, size))
    assert logits.shape == (2, 2)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("settings", SMALL)
def test_settings_survive_a_round_trip_through_json(settings: dict[str, Any]) -> None:
    made = model(settings)
    assert config.plugin("models", json.loads(json.dumps(made.settings()))) == made


@pytest.mark.parametrize("settings", [SMALL[0], SMALL[3]])
def test_the_seed_decides_the_weights(settings: dict[str, Any]) -> None:
    one, same, other = (built(settings, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_normalisation_is_inside_and_saved_with_the_weights() -> None:
    network = built(SMALL[0]).eval()
    x = torch.rand(2, 3, 32, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    outside = network.get_submodule("backbone")((x - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1))
    torch.testing.assert_close(network(x), outside)
    assert {"mean", "std"} <= set(network.state_dict())


def test_the_half_stem_keeps_twice_the_side() -> None:
    sides = []
    for stem in ("quarter", "half"):
        network = built({**SMALL[0], "stem": stem})
        block = network.get_submodule("backbone.features.denseblock1")
        block.register_forward_hook(lambda _m, _i, out: sides.append(out.shape[-1]))
        network.eval()(torch.rand(1, 3, 48, 48))
    assert sides == [12, 24]


@pytest.mark.parametrize("settings", [SMALL[0], SMALL[3]])
def test_weights_of_a_backbone_with_another_head_are_a_start(settings: dict[str, Any], tmp_path: Path) -> None:
    source = built(settings, seed=5)
    backbone = source.get_submodule("backbone")
    state = {name: v.clone() for name, v in backbone.state_dict().items()}
    name = "classifier" if settings["kind"] == "densenet" else "fc"
    state[f"{name}.weight"], state[f"{name}.bias"] = (
        torch.zeros(1000, state[f"{name}.weight"].shape[1]),
        torch.zeros(1000),
    )
    save_file(state, tmp_path / "imagenet.safetensors")
    started = built({**settings, "weights": str(tmp_path / "imagenet.safetensors")}, seed=0)
    fresh = built(settings, seed=0)
    for key, value in started.state_dict().items():
        own = fresh if f".{name}." in key else source
        assert torch.equal(value, own.state_dict()[key]), key


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights.save(built(SMALL[3]).get_submodule("backbone"), tmp_path / "resnet.safetensors")
    with pytest.raises(InputError, match=r"resnet.safetensors: the weights do not fit.*missing: features"):
        built({**SMALL[0], "weights": str(tmp_path / "resnet.safetensors")})


def test_the_fingerprint_follows_the_bytes_of_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"one")
    settings = {**SMALL[0], "weights": str(path)}
    first = model(settings).fingerprint()
    path.write_bytes(b"two")
    assert first != model(settings).fingerprint()
    assert model(SMALL[0]).fingerprint() == ""
    path.unlink()
    with pytest.raises(InputError, match=r"weights: .*w.safetensors cannot be read: No such file"):
        model(settings).fingerprint()


def test_a_skeleton_reads_no_file() -> None:
    network = model({**SMALL[0], "weights": "/nowhere.safetensors"}).skeleton()
    assert network.state_dict().keys() == built(SMALL[0]).state_dict().keys()


@pytest.mark.parametrize("kind", ["densenet121", "resnet18"])
def test_a_hub_that_cannot_be_reached_is_said_with_the_way_out(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import timm.models

    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("Max retries exceeded\nwith a long trace")

    monkeypatch.setattr(timm.models, "load_pretrained", unreachable)
    with pytest.raises(InputError, match=r"could not be fetched.*\(Max retries exceeded\).*`weights: /path/to") as e:
        built({"kind": kind.rstrip("0123456789"), "variant": kind, "pretrained": True})
    assert kind in str(e.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "densenet", "variant": "densenet12"}, "densenet121"),
        ({"kind": "densenet", "growth_rate": 4}, "growth_rate: only `variant: compact` has this setting"),
        (
            {"kind": "resnet", "variant": "resnet18", "channels": [4, 4, 4, 4]},
            "channels: only `variant: compact`",
        ),
        ({"kind": "resnet", "variant": "vgg11"}, "expected `compact` or the name of a timm ResNet"),
        ({"kind": "densenet", "variant": "compact", "pretrained": True}, "has no pretrained weights"),
        ({"kind": "densenet", "pretrained": True, "weights": "a.pt"}, "not both"),
        ({"kind": "densenet", "variant": "compact", "groth_rate": 4}, "Did you mean `growth_rate`"),
    ],
)
def test_settings_that_would_be_ignored_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        model(settings)
    assert message in str(caught.value)


def test_an_unknown_resnet_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"has no `resnet19`. Did you mean `resnet1"):
        built({"kind": "resnet", "variant": "resnet19"})
