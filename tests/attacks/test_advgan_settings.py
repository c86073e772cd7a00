"""Objectives, the paper's preset and the generators of AdvGAN, on a planted model with named layers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from robustgan import evaluation
from robustgan.attacks import _advgan
from robustgan.attacks._objective import features, layer_of, objective_of
from robustgan.attacks._schedule import SCHEDULES, Schedule, rate
from robustgan.attacks.advgan import AdvGAN
from robustgan.config import plugin
from robustgan.errors import InputError
from robustgan.freezing import weights_digest
from robustgan.gan import losses
from robustgan.gan.image_to_image import Generator
from robustgan.gan.resnet import ResNet
from robustgan.gan.unet import UNet
from tests.attacks.planted import LINF, PLANE, QUICK, Fitted, fooled, planted, texture, weak


class Blocks(nn.Module):
    """Sees the texture of each quarter of an image in its second dense block; the label follows from their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.denseblock1 = nn.Identity()
        self.denseblock2 = nn.Sequential(nn.Conv2d(3, 1, 8, stride=8, bias=False))
        self.denseblock2[0].weight.data = (texture()[None, :, :8, :8] * 400 / 192).contiguous()  # type: ignore[operator]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.denseblock2(self.denseblock1(x)).mean((1, 2, 3))
        return torch.stack([torch.zeros_like(found), found], 1)


def test_turning_features_around_fools_without_looking_at_the_logits(tmp_path: Path) -> None:
    fitted, test = Fitted(tmp_path, Blocks(), objective="features"), planted(3)
    rows, _ = evaluation.judge(fitted.attack, Blocks(), fitted.network, test, seed=0, batch=32)
    assert fitted.stats[-1]["g_adv"] < fitted.stats[0]["g_adv"] < 1
    assert fooled(rows, test.labels) > 0.4
    assert fitted.checks["validation"]["any"]["noise_success"] < 0.05


def test_features_are_those_of_the_named_layer_and_leave_no_hook() -> None:
    model, x = Blocks(), torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(features(model, "", x), model.denseblock2(x))
    torch.testing.assert_close(features(model, "denseblock1", x), x)
    torch.testing.assert_close(features(model, "denseblock2.0", x), model.denseblock2(x))
    assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    assert layer_of(Blocks(), "") == "denseblock2"
    assert layer_of(nn.Sequential(Blocks()), "") == "0.denseblock2"
    with pytest.raises(InputError, match=r"layer: found `denseblock3`\. Allowed: denseblock2\. Did you mean"):
        Fitted(tmp_path, Blocks(), objective="features", layer="denseblock3")
    with pytest.raises(InputError, match=r"layer: none is given, and the network has no `denseblock2`\. Allowed: 0, 1"):
        layer_of(nn.Sequential(nn.ReLU(), nn.ReLU()), "")


def test_features_of_a_surrogate_when_the_classifier_is_out_of_reach(tmp_path: Path) -> None:
    surrogate = {"growth_rate": 4, "block_config": [1, 1], "stem": "half", "epochs": 1}
    fitted = Fitted(tmp_path, weak(), objective="features", knowledge="static", surrogate=surrogate, epochs=1)
    assert fitted.stats[0]["g_adv"] < 1.01


def test_the_paper_preset_sets_what_was_published_and_keeps_what_the_config_says() -> None:
    attack = AdvGAN.read({"threat": LINF, "preset": "paper", "batch": 64})
    assert (attack.kappa, attack.lr, attack.batch, attack.network, attack.width) == (0.0, 1e-3, 64, "resnet", 8)
    assert plugin("attacks", attack.settings()) == attack
    assert SCHEDULES["paper"].kappa(3.0, 0.0) == 3.0
    assert [SCHEDULES["paper"].rate(done) for done in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]


def test_the_paper_preset_trains_on_the_published_loss() -> None:
    model, x, y = weak(), planted(1, 8).images / 255, planted(1, 8).labels
    weights = torch.tensor([0.2, 1.8])

    def loss(**settings: Any) -> float:
        attack = AdvGAN.read({"threat": LINF, **settings})
        return float(objective_of(attack, weights)(model, x, x, y, 1.0).detach())

    logits = model(x).detach()
    assert loss(preset="paper") == pytest.approx(float(losses.margin(logits, y).clamp_min(-1).mean()))
    assert loss() == pytest.approx(float(losses.fooling(logits, y, weights, 1.0)))


def test_the_paper_preset_fools_and_keeps_the_last_weights_not_their_average(tmp_path: Path) -> None:
    fitted = Fitted(tmp_path, weak(PLANE), pattern=PLANE, preset="paper")
    assert fitted.attack.network == "resnet"
    assert fitted.checks["validation"]["any"]["success"] > 0.4
    duel = _advgan.Duel(fitted.attack, fitted.attack.build(), planted(1, 32))
    duel.play_epoch(weak(), planted(1, 32), torch.Generator().manual_seed(0), lambda done, total: None)
    assert weights_digest(duel.kept) == weights_digest(duel.generator)


def test_the_schedule_of_our_own_warms_up_falls_and_raises_kappa() -> None:
    ours: Schedule = SCHEDULES["none"]
    assert [ours.kappa(5.0, done) for done in (0.0, 0.15, 0.3, 1.0)] == [0.0, 2.5, 5.0, 5.0]
    assert rate(0.0) == pytest.approx(0.02)
    assert rate(0.1) == pytest.approx(1.0)
    assert rate(1.0) == pytest.approx(0.02)


@pytest.mark.parametrize(("network", "kind"), [("tiles", Generator), ("resnet", ResNet), ("unet", UNet)])
def test_every_generator_fools(tmp_path: Path, network: str, kind: type[nn.Module]) -> None:
    fitted = Fitted(tmp_path, weak(PLANE), pattern=PLANE, network=network, width=8)
    assert isinstance(fitted.network, kind)
    assert fitted.checks["validation"]["any"]["success"] > 0.3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layer": "x"}, "layer: only objective features has this setting"),
        ({"objective": "features", "kappa": 3.0}, "kappa: only objective margin .*, and objective is features"),
        ({"network": "unet", "tile": 2}, "tile: only network tiles has this setting"),
        ({"objective": "features", "preset": "paper"}, "objective: features is not in the paper"),
        ({"goal": "both"}, "goal"),
        ({"realism": 0, "patches": 8}, r"patches: found 8 with realism 0, .* allowed is patches 16 \(leave it out\)"),
        ({"realism": 0, "lr_patches": 1e-3}, "lr_patches: found 0.001 with realism 0, .* or another realism"),
        ({"realism": 0, "preset": "paper", "patches": 16}, "patches: found 16 .* allowed is patches 8"),
        ({"length": 0, "reach": 0.5}, "reach: found 0.5 with length 0, .* or another length"),
        *(
            (
                {"knowledge": knowledge, "surrogate": {setting: value}},
                rf"surrogate\.{setting}: found {value}, but only knowledge {only} has this setting, and knowledge is "
                f"{knowledge}; leave it out",
            )
            for setting, value, only, knowledge in (
                ("passes", 3, "dynamic", "static"),
                ("memory", 9, "dynamic", "static"),
                ("steady", 0.5, "dynamic", "transfer"),
                ("answers", "labels", "dynamic or static", "transfer"),
                ("loss", "cross-entropy", "dynamic or static", "transfer"),
            )
        ),
        (
            {"knowledge": "dynamic", "surrogate": {"answers": "labels", "loss": "log-odds"}},
            "found loss log-odds with answers labels, .* allowed is loss cross-entropy, or answers probabilities",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        AdvGAN.read({"threat": LINF, **QUICK, **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"realism": 0}, {"length": 0}, {"realism": 0, "length": 0, "preset": "paper"},
        {"knowledge": "dynamic", "surrogate": {"answers": "labels", "passes": 3, "memory": 9, "steady": 0.5}},
        {"knowledge": "static", "surrogate": {"answers": "labels"}}, {"knowledge": "transfer"},
    ],
)  # fmt: skip
def test_settings_that_go_together_survive_a_round_trip(settings: dict[str, Any]) -> None:
    attack = AdvGAN.read({"threat": LINF, **settings})
    assert plugin("attacks", attack.settings()) == attack


def test_sides_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(InputError, match=r"network: found `unet`, which needs sides that 8 divides; .*\(16, 12\)"):
        _advgan.refuse(AdvGAN.read({"threat": LINF, "network": "unet"}), (16, 12))
