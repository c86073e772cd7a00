"""What every attack owes the harness. A file dropped into `robustgan/attacks` is found and tested here."""

import random
import subprocess
import sys
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from robustgan.config import kinds, models_in, plugin, plugin_class
from robustgan.evaluation import judge, weights_digest
from robustgan.interfaces import Attack, Forger, Samples
from tests.conftest import Linear

# Settings that a kind cannot do without, or that keep it quick; an unknown kind gets none.
SETTINGS: dict[str, dict[str, Any]] = {
    "art": {"method": "SquareAttack", "parameters": {"max_iter": 3}},
    "advgan": {"width": 8},
    "apgd": {"steps": 12, "restarts": 2},
    "ensemble": {
        "parts": [{"part": "apgd", "steps": 6}, {"part": "fab", "steps": 3}, {"part": "square", "queries": 9}]
    },
    "fab": {"steps": 6, "restarts": 2},
    "pgd": {"steps": 4, "restarts": 2},
    "square": {"queries": 40},
}
EPS = {"linf": 8 / 255, "l2": 1.0}


def made(kind: str, norm: str) -> Attack:
    """The attack with minimal settings in this norm."""
    threat = {"norm": norm, "eps": EPS[norm]} if norm in EPS else {"norm": norm}
    return cast(Attack, plugin("attacks", {"kind": kind, "threat": threat, **SETTINGS.get(kind, {})}))


def cases(paired: bool) -> list[Any]:
    """Every kind with every norm that it supports."""
    found = []
    for kind in sorted(kinds("attacks")):
        cls = cast(type[Attack], plugin_class("attacks", kind))
        norms = [m.model_fields["norm"].default for m in models_in(cls.model_fields["threat"].annotation)]
        found += [pytest.param(kind, norm, id=f"{kind}-{norm}") for norm in norms if cls.paired or not paired]
    return found


class Small(nn.Module):
    """A network with everything that an attack could disturb: batch norm, dropout, buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.Softplus(), nn.Dropout(0.5),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 2),
        )  # fmt: skip
        self.register_buffer("unsaved", torch.ones(3), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.layers(4 * x - 2) * 10
        return logits


@pytest.fixture
def victim() -> nn.Module:
    torch.manual_seed(3)
    return Small()  # in training mode, as it comes from a training: the harness has to freeze it


def judged(
    attack: Attack, victim: nn.Module, samples: Samples, batch: int = 24, seed: int = 0
) -> tuple[pd.DataFrame, torch.Tensor]:
    """Build the attack's network after seeding, as the pipeline does, and judge."""
    torch.manual_seed(5)
    return judge(attack, victim, attack.build(), samples, seed, batch)


@pytest.mark.parametrize(("kind", "norm"), cases(paired=False))
def test_settings_survive_a_round_trip(kind: str, norm: str) -> None:
    attack = made(kind, norm)
    again = plugin("attacks", attack.settings())
    assert again == attack
    assert again.settings() == attack.settings()
    assert again.settings()["kind"] == kind


@pytest.mark.parametrize("kind", sorted(kinds("attacks")))
def test_a_file_defines_one_attack(kind: str) -> None:
    cls = plugin_class("attacks", kind)
    assert issubclass(cls, Attack) != issubclass(cls, Forger)
    assert cls.__doc__
    assert cls.trains == ("fit" in vars(cls))


@pytest.mark.parametrize(("kind", "norm"), cases(paired=True))
def test_input_and_victim_stay_as_they_are(kind: str, norm: str, victim: nn.Module, samples: Samples) -> None:
    before, digest = samples.images.clone(), weights_digest(victim)
    judged(made(kind, norm), victim, samples)
    assert torch.equal(samples.images, before)
    assert weights_digest(victim) == digest
    assert all(module.training for module in victim.modules()), "the victim is handed back as it was"
    assert all(p.grad is None and p.requires_grad for p in victim.parameters())


@pytest.mark.parametrize(("kind", "norm"), cases(paired=True))
def test_written_images_are_in_budget(kind: str, norm: str, victim: nn.Module, samples: Samples) -> None:
    rows, eight = judged(made(kind, norm), victim, samples)
    change = (eight.numpy().astype(float) - samples.images.numpy()) / 255
    linf, l2 = np.abs(change).max((1, 2, 3)), np.sqrt((change**2).sum((1, 2, 3)))
    np.testing.assert_allclose(rows["linf"], linf, atol=1e-12)
    np.testing.assert_allclose(rows["l2"], l2, atol=1e-12)
    if norm in EPS:
        assert {"linf": linf, "l2": l2}[norm].max() <= EPS[norm] * (1 + 1e-6)
        assert {"linf": linf, "l2": l2}[norm].max() > 0, "an attack that changes nothing attacks nothing"


@pytest.mark.parametrize(("kind", "norm"), cases(paired=True))
def test_same_seed_same_bytes(kind: str, norm: str, victim: nn.Module, samples: Samples) -> None:
    attack = made(kind, norm)
    first_rows, first = judged(attack, victim, samples)
    random.seed(99)
    np.random.seed(99)  # noqa: NPY002 - an attack that drew from here would show
    torch.manual_seed(99)
    again_rows, again = judged(attack, victim, samples)
    assert torch.equal(first, again)
    pd.testing.assert_frame_equal(first_rows, again_rows)


@pytest.mark.parametrize(("kind", "norm"), cases(paired=True))
def test_any_batch_size_the_same_verdicts(kind: str, norm: str, victim: nn.Module, samples: Samples) -> None:
    attack = made(kind, norm)
    whole, _ = judged(attack, victim, samples, batch=len(samples))
    for batch in (1, 7):
        parts, _ = judged(attack, victim, samples, batch=batch)
        for column in ("image_id", "clean_pred", "pred"):
            assert whole[column].tolist() == parts[column].tolist()
        np.testing.assert_allclose(whole["score"], parts["score"], atol=0.02)


@pytest.mark.parametrize(("kind", "norm"), cases(paired=True))
def test_order_of_the_images_does_not_matter(kind: str, norm: str, linear: Linear, samples: Samples) -> None:
    turned = Samples(samples.images.flip(0), samples.labels.flip(0), samples.rows.iloc[::-1])
    rows, eight = judged(made(kind, norm), linear, samples)
    rows_turned, eight_turned = judged(made(kind, norm), linear, turned)
    assert rows["image_id"].tolist() == rows_turned["image_id"].tolist()[::-1]
    assert rows["pred"].tolist() == rows_turned["pred"].tolist()[::-1]
    assert (eight == eight_turned.flip(0)).double().mean() > 0.999


def test_plug_ins_are_read_without_torch() -> None:
    """A plan, and a check of a config, work on a machine without torch."""
    code = """
import sys
from robustgan.config import kinds, plugin, plugin_class
for package in ("attacks", "datasets", "models"):
    for kind in kinds(package):
        plugin_class(package, kind)
threat = {"norm": "l2", "eps": 1}
plugin("attacks", {"kind": "art", "method": "DeepFool", "threat": threat, "parameters": {"max_iter": 3}})
print(*sorted({"torch", "torchvision", "timm", "art", "torchmetrics"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
