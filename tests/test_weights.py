import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from robustgan import weights
from robustgan.errors import InputError


class Payload:
    """A pickle of this creates a file when it is read without care."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


def small(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))


def weight_of(network: nn.Module, layer: int = 0) -> torch.Tensor:
    return network.get_parameter(f"{layer}.weight")


def test_what_is_saved_comes_back_and_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    one, other = small(0), small(1)
    weights.save(one, tmp_path / "a.safetensors")
    weights.load(other, tmp_path / "a.safetensors")
    weights.save(other, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_weights_that_share_memory_or_lie_channels_last_are_saved(tmp_path: Path) -> None:
    network = small().to(memory_format=torch.channels_last)
    network.register_buffer("view", weight_of(network, 3).detach()[0])
    weights.save(network, tmp_path / "a.safetensors")
    assert torch.equal(weights.read(tmp_path / "a.safetensors")["0.weight"], weight_of(network))


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model": s}])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_torch_files_in_their_usual_shapes_are_read(tmp_path: Path, wrap: object, prefix: str) -> None:
    network = small()
    state = {prefix + name: value for name, value in network.state_dict().items()}
    torch.save(wrap(state), tmp_path / "a.pth")  # type: ignore[operator]
    other = small(1)
    weights.load(other, tmp_path / "a.pth")
    assert torch.equal(weight_of(other), weight_of(network))


@pytest.mark.parametrize("name", ["evil.pt", "evil.pth", "evil.safetensors"])
@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_pickle_posing_as_weights_is_refused_and_runs_nothing(tmp_path: Path, name: str, writer: str) -> None:
    target = tmp_path / "created"
    content = {"0.weight": torch.zeros(2), "x": Payload(target)}
    if writer == "pickle":
        (tmp_path / name).write_bytes(pickle.dumps(content))
    else:
        torch.save(content, tmp_path / name)
    with pytest.raises(InputError, match="not a safetensors file" if "safe" in name else "would run code"):
        weights.read(tmp_path / name)
    assert not target.exists()
    pickle.loads(pickle.dumps(Payload(target)))  # noqa: S301 - the payload is live: careless reading creates the file
    assert target.exists()


def test_broken_files_and_other_content_are_named(tmp_path: Path) -> None:
    weights.save(small(), tmp_path / "whole.safetensors")
    torch.save(small().state_dict(), tmp_path / "whole.pt")
    for whole in ("whole.safetensors", "whole.pt"):
        cut = tmp_path / f"cut{Path(whole).suffix}"
        cut.write_bytes((tmp_path / whole).read_bytes()[:200])
        with pytest.raises(InputError, match=rf"cut\{cut.suffix}: not a "):
            weights.read(cut)
    (tmp_path / "empty.pt").touch()
    with pytest.raises(InputError, match=r"empty.pt: not a torch weights file"):
        weights.read(tmp_path / "empty.pt")
    torch.save({"epoch": 3, "lr": 0.1}, tmp_path / "numbers.pt")
    with pytest.raises(InputError, match="expected a state dict"):
        weights.read(tmp_path / "numbers.pt")
    with pytest.raises(InputError, match=r"nowhere.pt: no such weights file"):
        weights.read(tmp_path / "nowhere.pt")
    with pytest.raises(InputError, match=r"found suffix `.pkl`, weights end in one of .safetensors, .pt, .pth"):
        weights.read(tmp_path / "model.pkl")


def test_a_misfit_lists_names_shapes_and_the_nearest_match_and_changes_nothing(tmp_path: Path) -> None:
    state = small(1).state_dict()
    state["head.weight"] = state.pop("3.weight")
    state["3.bias"] = torch.zeros(7)
    save_file(state, tmp_path / "a.safetensors")
    network = small()
    before = weight_of(network).clone()
    with pytest.raises(InputError) as caught:
        weights.load(network, tmp_path / "a.safetensors")
    message = str(caught.value)
    assert "wrong shape: 3.bias (7,) instead of (2,)" in message
    assert "missing: 3.weight" in message
    assert "unexpected: head.weight" in message
    assert "Nearest: `head.weight` for `3.weight`" in message
    assert torch.equal(before, weight_of(network))


def test_long_lists_are_cut(tmp_path: Path) -> None:
    save_file({"other": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="and 4 more"):
        weights.load(small(), tmp_path / "a.safetensors")


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = small()
    network.get_parameter("0.bias").data[1] = float("nan")
    weights.save(network, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"not finite: 0.bias"):
        weights.load(small(), tmp_path / "a.safetensors")


def test_optional_parameters_may_have_another_shape_or_be_absent() -> None:
    network, state = small(), small(1).state_dict()
    state["3.weight"] = torch.zeros(1000, 16)
    del state["3.bias"]
    fresh = weight_of(network, 3).clone()
    weights.fill(network, state, "here", optional=["3.weight", "3.bias"])
    assert torch.equal(weight_of(network, 3), fresh)
    assert torch.equal(weight_of(network), state["0.weight"])
