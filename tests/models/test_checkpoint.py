from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from robustgan import weights
from robustgan.config import plugin
from robustgan.errors import InputError
from robustgan.interfaces import Model


class Payload:
    """A pickle of this creates a file when it is read without care."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


@pytest.fixture
def mine(tmp_path: Path) -> tuple[torch.nn.Module, Path]:
    torch.manual_seed(3)
    network = timm.create_model("resnet10t", num_classes=2)
    weights.save(network, tmp_path / "mine.safetensors")
    return network.eval(), tmp_path / "mine.safetensors"


def build(path: Path, **settings: Any) -> torch.nn.Module:
    made = plugin("models", {"kind": "checkpoint", "architecture": "resnet10t", "weights": str(path), **settings})
    assert isinstance(made, Model)
    assert not made.trains
    return made.build()


def test_the_users_network_answers_as_it_did_outside(mine: tuple[torch.nn.Module, Path]) -> None:
    network, path = mine
    x = torch.rand(3, 3, 64, 64)
    torch.testing.assert_close(build(path, mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5])(x), network(2 * x - 1))


def test_a_state_dict_of_torch_is_read_too(mine: tuple[torch.nn.Module, Path], tmp_path: Path) -> None:
    network, path = mine
    torch.save({"state_dict": network.state_dict(), "epoch": 7}, tmp_path / "mine.pth")
    x = torch.rand(2, 3, 48, 48)
    assert torch.equal(build(path)(x), build(tmp_path / "mine.pth")(x))


def test_a_file_that_robustgan_wrote_brings_its_normalisation(
    mine: tuple[torch.nn.Module, Path], tmp_path: Path
) -> None:
    whole = build(mine[1], mean=[0.1, 0.2, 0.3])
    weights.save(whole, tmp_path / "whole.safetensors")
    x = torch.rand(2, 3, 48, 48)
    assert torch.equal(build(tmp_path / "whole.safetensors")(x), whole(x))


def test_a_pickle_posing_as_a_checkpoint_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    torch.save({"state_dict": Payload(tmp_path / "created")}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match=r"evil.pth: refused, because reading it would run code"):
        build(tmp_path / "evil.pth")
    assert not (tmp_path / "created").exists()


def test_weights_with_other_classes_or_names_say_what_differs(
    mine: tuple[torch.nn.Module, Path], tmp_path: Path
) -> None:
    weights.save(timm.create_model("resnet10t", num_classes=3), tmp_path / "three.safetensors")
    with pytest.raises(
        InputError, match=r"resnet10t, 2 outputs.*wrong shape:.*fc.weight \(3, 512\) instead of \(2, 512\)"
    ):
        build(tmp_path / "three.safetensors")
    state = {name.replace("fc.", "head."): value for name, value in mine[0].state_dict().items()}
    torch.save(state, tmp_path / "renamed.pt")
    with pytest.raises(
        InputError, match=r"missing: fc.weight.*unexpected: head.weight.*Nearest: `head.weight` for `fc"
    ):
        build(tmp_path / "renamed.pt")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "resnet10"}, "has no `resnet10`. Did you mean `resnet10t`"),
        ({"architecture": "hf-hub:someone/model"}, "has no `hf-hub:someone/model`"),
        ({"arguments": {"num_classes": 5}}, "num_classes cannot be given here"),
        ({"arguments": {"widht": 5}}, "refuses {'widht': 5}"),
        ({"std": [0.1, 0.0, 0.1]}, "std.1"),
    ],
)
def test_wrong_settings_are_named(mine: tuple[torch.nn.Module, Path], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        build(mine[1], **settings)
    assert message in str(caught.value)


def test_arguments_reach_timm(mine: tuple[torch.nn.Module, Path], tmp_path: Path) -> None:
    weights.save(timm.create_model("resnet10t", num_classes=2, stem_width=16), tmp_path / "thin.safetensors")
    assert build(tmp_path / "thin.safetensors", arguments={"stem_width": 16})(torch.rand(1, 3, 32, 32)).shape == (1, 2)


def test_the_fingerprint_needs_the_file(tmp_path: Path) -> None:
    made = plugin("models", {"kind": "checkpoint", "architecture": "resnet10t", "weights": str(tmp_path / "no.pt")})
    assert isinstance(made, Model)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        made.fingerprint()
