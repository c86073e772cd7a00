"""Every planted fault of a classifier is named; sound classifiers are left in peace."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from robustgan.config import plugin
from robustgan.errors import InputError
from robustgan.inspection import inspect, refuse
from robustgan.models._backbone import Normalised
from robustgan.models._head import Head
from robustgan.models._headed import Headed
from tests.models.planted import onnx_file, tiny

IMAGENET = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def pictures(images: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Pink tissue; the malignant half has larger dark dots."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(images) % 2
    x = torch.rand(images, 3, 32, 32, generator=rng) * 0.2
    x += torch.tensor([0.7, 0.5, 0.65]).view(1, 3, 1, 1) + torch.randn(images, 1, 1, 1, generator=rng) * 0.05
    dots = (torch.rand(images, 1, 8, 8, generator=rng) < 0.3).float()
    mask = nn.functional.interpolate(dots, 32)
    small = mask * (torch.arange(32) % 4 < 2).float()
    x -= 0.4 * torch.where(labels.view(-1, 1, 1, 1) == 1, mask, small)
    return (x.clamp(0, 1) * 255).round().to(torch.uint8), labels


IMAGES, LABELS = pictures(64, seed=9)


class Wrapped(nn.Module):
    """A network, and something done to its images or to its outputs."""

    def __init__(self, network: nn.Module, before: Callable[..., Any], after: Callable[..., Any]) -> None:
        super().__init__()
        self.network, self.before, self.after = network, before, after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.after(self.network(self.before(x)))
        return found


def same(x: torch.Tensor) -> torch.Tensor:
    return x


def after(change: Callable[..., Any], network: nn.Module | None = None) -> nn.Module:
    return Wrapped(network or tiny(), same, change)


def names(network: nn.Module, labels: torch.Tensor | None = None) -> dict[str, str]:
    """Name and severity of all that is found."""
    found = inspect(network, IMAGES, labels)
    assert json.loads(json.dumps(found)) == found
    return {one["name"]: one["severity"] for one in found["findings"]}


def trained(norm: bool, scale: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    """A small network that learned the pictures in some range."""
    torch.manual_seed(1)
    middle = nn.BatchNorm2d(8) if norm else nn.Identity()
    head = [nn.Conv2d(8, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2)]
    network = nn.Sequential(nn.Conv2d(3, 8, 5), middle, nn.ReLU(), *head)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for step in range(120):
        images, labels = pictures(32, seed=100 + step)
        loss = nn.functional.cross_entropy(network(scale(images.float() / 255)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def normalise(x: torch.Tensor) -> torch.Tensor:
    return (x - IMAGENET[0]) / IMAGENET[1]


# ------------------------------------------------------------------------------------------------ sound models


SOUND: list[dict[str, Any]] = [
    {"kind": "densenet", "variant": "compact", "growth_rate": 4, "block_config": [2, 2]},
    {"kind": "resnet", "channels": [8, 8, 16, 16]},
    {"kind": "vit", "width": 24, "depth": 2, "heads": 2},
]


@pytest.mark.parametrize("settings", SOUND, ids=lambda s: str(s["kind"]))
@pytest.mark.parametrize("seed", range(4))
def test_fresh_networks_are_sound(settings: dict[str, Any], seed: int) -> None:
    torch.manual_seed(seed)
    assert names(plugin("models", settings).build(), LABELS) == {}


@pytest.mark.parametrize("norm", [True, False])
def test_a_trained_network_is_sound_and_other_ranges_are_named(norm: bool) -> None:
    network = trained(norm, normalise)
    found = inspect(Normalised(network), IMAGES, LABELS)
    assert found["findings"] == []
    assert found["images"] == 64
    assert found["margin"] > 0.1
    forgotten = inspect(network, IMAGES, LABELS)["findings"]
    assert [one["name"] for one in forgotten] == ["input-range"]
    assert forgotten[0]["numbers"]["expects"] in ("normalised", "centred")
    assert "Set `mean: [0." in forgotten[0]["advice"]
    refuse({"findings": forgotten}, "tiny")  # a warning stops nobody


def test_images_normalised_twice_are_named() -> None:
    twice = inspect(Normalised(Normalised(trained(True, normalise))), IMAGES)["findings"]
    assert [(one["name"], one["numbers"]["expects"]) for one in twice] == [("input-range", "not-normalised")]
    assert "Set `mean: [0, 0, 0]`" in twice[0]["advice"]


def test_a_network_of_bytes_is_named() -> None:
    network = trained(True, lambda x: x * 255)
    assert names(Wrapped(network, lambda x: x * 255, same)) == {}
    found = inspect(network, IMAGES)["findings"]  # the batch norm needs no labels
    assert [(one["name"], one["numbers"]["expects"]) for one in found] == [("input-range", "bytes")]


def test_sound_models_of_other_kinds(tmp_path: Path) -> None:
    weight = torch.tensor([[1.0, -2.0, 0.5], [-3.0, 0.25, 4.0]])
    told = {"kind": "onnx", "path": str(onnx_file(weight, torch.zeros(2), tmp_path / "m.onnx"))}
    assert names(plugin("models", told).build(), LABELS) == {}
    eight = Head(classes=("benign",) * 4 + ("malignant",) * 4)
    assert names(Headed(tiny(outputs=8), eight)) == {}
    shares = Head(classes=eight.classes, outputs="probabilities")
    assert names(Headed(after(lambda z: z.softmax(1), tiny(outputs=8)), shares)) == {}


# --------------------------------------------------------------------------------------------- planted faults


class TrainNorm(nn.Module):
    """A batch norm that always uses the batch, with or without counting it."""

    def __init__(self, counts: bool) -> None:
        super().__init__()
        self.norm, self.counts = nn.BatchNorm2d(3), counts

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        statistics = (self.norm.running_mean, self.norm.running_var) if self.counts else (None, None)
        z = nn.functional.batch_norm(x, *statistics, training=True)
        return (z[:, :2] ** 3).mean((2, 3))


class Stuck(nn.Module):
    """Dropout that eval() does not reach."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.dropout = tiny(), nn.Dropout(0.5)

    def train(self, mode: bool = True) -> "Stuck":
        super().train(mode)
        self.dropout.training = True
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.dropout(self.network(x))
        return found


SOLE = tiny(1)(IMAGES.float() / 255).detach().mean()
MIDDLE = tiny()(IMAGES.float() / 255).detach().mean(0)


def one_hot(z: torch.Tensor) -> torch.Tensor:
    return nn.functional.one_hot((z - MIDDLE).argmax(1), 2).float()


FAULTS: list[tuple[nn.Module, dict[str, str]]] = [
    (after(lambda z: z.softmax(1)), {"probabilities": "refuse"}),
    (Headed(after(lambda z: z.softmax(1), tiny(8)), Head(classes=("benign",) * 4 + ("malignant",) * 4)),
     {"probabilities": "refuse"}),
    (Headed(after(lambda z: (40 * (z - SOLE)).sigmoid(), tiny(1)), Head(classes=("malignant",))),
     {"probabilities": "warn"}),
    (Headed(tiny(), Head(outputs="probabilities")), {"not-probabilities": "refuse"}),
    (TrainNorm(counts=False), {"batch-dependent": "refuse"}),
    (TrainNorm(counts=True), {"batch-dependent": "refuse", "changes-itself": "refuse"}),
    (Stuck(), {"stochastic": "warn", "training-mode": "refuse"}),
    (after(lambda z: z + torch.randn_like(z)), {"stochastic": "warn"}),
    (after(lambda z: z / 0), {"non-finite": "refuse"}),
    (after(lambda z: z * 0), {"constant": "refuse"}),
    (after(lambda z: z * 1e6), {"saturated": "warn"}),
    (after(one_hot), {"hard-labels": "warn"}),
    (after(lambda z: torch.cat([z, z], 1)), {"shape": "refuse"}),
    (after(lambda z: z.sum(1)), {"shape": "refuse"}),
    (Headed(tiny(8), Head()), {"cannot-run": "refuse"}),
    (nn.Sequential(nn.Flatten(), nn.Linear(3 * 48 * 48, 2)), {"cannot-run": "refuse"}),
]  # fmt: skip


@pytest.mark.parametrize(("network", "wanted"), FAULTS, ids=lambda p: " ".join(p) if isinstance(p, dict) else "")
def test_a_planted_fault_is_named(network: nn.Module, wanted: dict[str, str]) -> None:
    assert names(network) == wanted
    found = inspect(network, IMAGES)
    assert all(one["says"] and one["advice"] for one in found["findings"])
    if "refuse" in wanted.values():
        with pytest.raises(InputError, match="classifier mine cannot be audited") as error:
            refuse(found, "mine")
        fatal = [name for name, severity in wanted.items() if severity == "refuse"]
        assert all(f"  {name}: " in str(error.value) for name in fatal)


def test_messages_hold_the_numbers() -> None:
    size = inspect(nn.Sequential(nn.Flatten(), nn.Linear(3 * 48 * 48, 2)), IMAGES)["findings"][0]
    assert "fails on images of 32 x 32 pixels" in size["says"]
    assert "`pixels.size`" in size["advice"]
    head = inspect(Headed(tiny(8), Head()), IMAGES)["findings"][0]
    assert "gives 8 outputs an image; the settings say 2 outputs" in head["says"]
