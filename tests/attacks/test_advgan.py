"""AdvGAN against a planted weak classifier (planted.py)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from robustgan import evaluation
from robustgan.attacks import _advgan
from robustgan.attacks._change import bounded, made
from robustgan.attacks._validation import recognised, success
from robustgan.attacks.advgan import AdvGAN
from robustgan.attacks.noise import Noise
from robustgan.config import plugin
from robustgan.errors import InputError, RunError
from robustgan.freezing import weights_digest
from robustgan.interfaces import Samples, State
from robustgan.journal import Journal
from robustgan.prepare import Prepared
from robustgan.stopping import Stop, Stopped
from tests.attacks.planted import EPS, LINF, QUICK, Cut, Fitted, fooled, planted, texture, weak
from tests.conftest import Linear


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return Fitted(tmp_path_factory.mktemp("advgan"), weak())


def test_a_planted_weak_classifier_falls_and_noise_of_the_same_size_does_nothing(fitted: Fitted) -> None:
    test, model = planted(3), weak()
    rows, _ = evaluation.judge(fitted.attack, model, fitted.network, test, seed=0, batch=32)
    noise, _ = evaluation.judge(Noise.read({"threat": LINF}), model, nn.Identity(), test, seed=0, batch=32)
    margins = (model(test.images / 255)[:, 1] * (2 * test.labels - 1)).detach()
    possible = float((margins < EPS * model.weight.detach().abs().sum()).float().mean())  # the closed form
    assert 0.5 < possible < 0.8
    assert fooled(rows, test.labels) > possible - 0.1
    assert fooled(rows, test.labels) > fooled(noise, test.labels) + 0.1
    assert set(rows["queries"]) == {0.0}  # the classifier is not asked


def test_an_l2_budget_works_too(tmp_path: Path) -> None:
    threat = {"norm": "l2", "eps": 0.8}
    fitted, test = Fitted(tmp_path, weak(), threat=threat), planted(3)
    rows, _ = evaluation.judge(fitted.attack, weak(), fitted.network, test, seed=0, batch=32)
    noise, _ = evaluation.judge(Noise.read({"threat": threat}), weak(), nn.Identity(), test, seed=0, batch=32)
    assert rows["l2"].max() <= 0.8 + 1e-6
    assert fooled(rows, test.labels) > fooled(noise, test.labels) + 0.1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_bound_holds_in_the_png_however_loud_the_generator(tmp_path: Path, norm: str) -> None:
    attack = AdvGAN.read({"threat": {"norm": norm, "eps": 3.3 / 255 if norm == "linf" else 0.31}, **QUICK})
    torch.manual_seed(0)
    network, test = attack.build(), planted(3, 8)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1e4)
    _, images = evaluation.judge(attack, weak(), network, test, seed=0, batch=8)
    for before, after in zip(test.images, images, strict=True):
        Image.fromarray(after.permute(1, 2, 0).numpy()).save(tmp_path / "image.png")
        read = np.asarray(Image.open(tmp_path / "image.png"), dtype=float).transpose(2, 0, 1)
        change = (read - before.numpy()) / 255
        assert np.abs(change).max() > 0
        size = np.abs(change).max() if norm == "linf" else np.sqrt((change**2).sum())
        assert size <= attack.threat.eps + 1e-6


def test_the_change_is_the_same_in_any_batch_and_the_input_stays(fitted: Fitted) -> None:
    test = planted(3, 11)
    x, y, before = test.images / 255, test.labels, test.images.clone() / 255

    def changed(part: slice) -> torch.Tensor:
        return fitted.attack.perturb(weak(), x[part], y[part], State(fitted.network, torch.Generator()))

    one, parts = changed(slice(0, 11)), torch.cat([changed(slice(i, i + 3)) for i in range(0, 11, 3)])
    assert ((parts - one).abs() < 1.5 / 255).all()  # a level may flip where float noise meets rounding
    assert (parts == one).float().mean() > 0.999
    assert torch.equal(one, changed(slice(0, 11)))
    assert torch.equal(x, before)


def test_every_epoch_is_recorded_and_the_best_one_is_kept(fitted: Fitted) -> None:
    names = ["epoch", "g_adv", "g_gan", "g_hinge", "d_loss", "val_success", "val_noise", "l2"]
    assert [sorted(row) for row in fitted.stats] == [sorted(names)] * 6
    assert [row["epoch"] for row in fitted.stats] == [1, 2, 3, 4, 5, 6]
    threat, known = fitted.attack.threat, recognised(weak(), planted(2, 48))
    kept = success(weak(), lambda x, y, ids: made(fitted.network, x, y, threat), known, threat)
    assert kept.rate == max(row["val_success"] for row in fitted.stats)
    assert kept.rate > fitted.stats[0]["val_noise"] + 0.1


class Sensitive(nn.Module):
    """A classifier with everything that changes or wavers in train mode."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(4 * 14 * 14, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.body(x))
        return logits


def test_a_classifier_left_in_train_mode_is_attacked_in_eval_mode_and_given_back_as_it_was(
    tmp_path: Path,
) -> None:
    torch.manual_seed(5)
    model = Sensitive().train()
    before = weights_digest(model)
    first = Fitted(tmp_path / "a", model, epochs=2)
    second = Fitted(tmp_path / "b", model, epochs=2)
    assert weights_digest(model) == before
    assert model.training
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert weights_digest(first.network) == weights_digest(second.network)  # dropout would have made them differ


def test_a_classifier_that_changes_itself_is_refused(tmp_path: Path) -> None:
    class Drifting(Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.bias.data += 1e-3
            return super().forward(x)

    with pytest.raises(RunError, match="frozen"):
        Fitted(tmp_path, Drifting(texture()), epochs=1)


class Deep(nn.Sequential):
    """Two convolutions, so that it is worth preparing."""

    def __init__(self) -> None:
        torch.manual_seed(6)
        first = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()
        super().__init__(*first, nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(4 * 12 * 12, 2))


def test_a_deep_classifier_that_changes_itself_is_refused_though_a_copy_lends_its_gradients(tmp_path: Path) -> None:
    class Drifting(Deep):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self[0].weight.data += 1e-2
            out: torch.Tensor = super().forward(x)
            return out

    with pytest.raises(RunError, match="frozen"):
        Fitted(tmp_path, Drifting(), epochs=1)


def test_a_white_box_lends_its_gradients_prepared_and_whole_where_a_layer_is_asked_for() -> None:
    model, images = Deep().eval(), planted(1, 8)
    quick = _advgan.rival_of(AdvGAN.read({"threat": LINF}), model, images, images)
    whole = _advgan.rival_of(AdvGAN.read({"threat": LINF, "objective": "features"}), model, images, images)
    assert isinstance(quick.network, Prepared)
    assert whole.network is model
    x = (images.images / 255).requires_grad_(True)
    slopes = [torch.autograd.grad(one.network(x)[:, 1].sum(), x)[0] for one in (quick, whole)]
    torch.testing.assert_close(*slopes, rtol=1e-4, atol=1e-5)


def duel_of(model: nn.Module) -> tuple[_advgan.Duel, torch.Tensor, torch.Tensor]:
    attack, train = AdvGAN.read({"threat": LINF, **QUICK}), planted(1, 16)
    torch.manual_seed(0)
    return _advgan.Duel(attack, attack.build(), train), train.images / 255, train.labels


def test_the_generators_step_leaves_the_discriminator_alone_and_the_other_way_round() -> None:
    model = weak().requires_grad_(False)
    duel, x, y = duel_of(model)
    before, generator = weights_digest(duel.discriminator), weights_digest(duel.generator)
    delta = bounded(duel.generator(x, y), duel.recipe.threat)
    torch.stack(list(duel.judge(model, x, delta, y).values())).sum().backward()  # type: ignore[no-untyped-call]
    assert weights_digest(duel.discriminator) == before  # not even its power iteration moves
    assert all(p.grad is None for p in duel.discriminator.parameters())
    assert all(p.grad is not None for p in duel.generator.parameters())
    duel.adam.zero_grad()
    duel._set_rates(0.5)
    duel.teach(x, (x + delta).detach())
    assert weights_digest(duel.discriminator) != before
    assert weights_digest(duel.generator) == generator
    assert all(p.grad is None for p in duel.generator.parameters())


@pytest.mark.parametrize("settings", [{}, {"form": "universal"}, {"preset": "paper", "batch": 16}])
def test_a_run_that_was_killed_and_resumed_leaves_the_same_bytes_as_one_that_was_not(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    straight = Fitted(tmp_path / "a", weak(), epochs=4, **settings)
    with pytest.raises(KeyboardInterrupt):
        Fitted(tmp_path / "b", weak(), journal=Cut(tmp_path / "b"), epochs=4, **settings)
    assert len((tmp_path / "b" / "stats.jsonl").read_text("utf-8").splitlines()) == 2
    resumed = Fitted(tmp_path / "b", weak(), epochs=4, **settings)
    assert weights_digest(resumed.network) == weights_digest(straight.network)
    for name in ("stats.jsonl", "checks.json"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


SMALL = {"growth_rate": 4, "block_config": [1], "stem": "half", "epochs": 2}
DYNAMIC = {"knowledge": "dynamic", "queries": 400, "surrogate": SMALL}


@pytest.mark.parametrize("knowledge", [{}, DYNAMIC, {"knowledge": "estimated", "queries": 5000}], ids=["", "d", "e"])
@pytest.mark.parametrize("step", [2, 9, 12, 24])  # of 24: the second, within an epoch, the last of an epoch, the last
def test_a_training_asked_to_stop_goes_on_from_that_step(tmp_path: Path, step: int, knowledge: dict[str, Any]) -> None:
    straight = Fitted(tmp_path / "a", weak(), epochs=4, **knowledge)
    cut, again = Asked(tmp_path / "b", step), Asked(tmp_path / "b", 0)
    with pytest.raises(Stopped):
        Fitted(tmp_path / "b", weak(), journal=cut, epochs=4, **knowledge)
    assert cut.steps == list(range(1, step))  # the step under way is the last one
    torch.rand(step)  # whatever else the new process draws
    resumed = Fitted(tmp_path / "b", weak(), journal=again, epochs=4, **knowledge)
    assert again.steps == list(range(step + 1, 25))  # no step is done twice
    assert weights_digest(resumed.network) == weights_digest(straight.network)
    for name in ("stats.jsonl", "checks.json"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


class Asked(Journal):
    """A journal of a run of 24 steps that is asked to stop during a step; it counts those that are told."""

    def __init__(self, folder: Path, step: int) -> None:
        super().__init__(folder, self.told, Stop(patient=True))
        self.at, self.steps = step, list[int]()

    def told(self, done: int, total: int, text: str) -> None:
        if total == 24:
            self.steps.append(done)
            self.stop.signum = 15 if done == self.at - 1 else self.stop.signum


def test_a_loss_that_is_not_finite_ends_the_training_and_names_the_step(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="g_adv is not finite from step 1 on"):
        Fitted(tmp_path, Linear(texture() * torch.inf), epochs=1)


class Breaks(Linear):
    """A classifier whose answers are NaN while the generator's n-th step lasts."""

    def __init__(self, step: int) -> None:
        super().__init__(weak().weight.detach())
        self.step, self.steps = step, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.steps += x.requires_grad
        return super().forward(x) * (torch.nan if x.requires_grad and self.steps == self.step else 1)


@pytest.mark.parametrize("step", [1, 6, 8, 12])  # six steps an epoch
def test_a_planted_nan_is_named_with_its_step(tmp_path: Path, step: int) -> None:
    with pytest.raises(RunError, match=rf"g_adv is not finite from step {step} on: found nan\. Lower the learning"):
        Fitted(tmp_path, Breaks(step), epochs=2)


def test_a_tile_that_does_not_divide_the_images_is_refused(tmp_path: Path) -> None:
    attack = AdvGAN.read({"threat": LINF, **QUICK, "tile": 8})
    train = planted(1, 8)
    cut = Samples(train.images[..., :12], train.labels, train.rows)
    with pytest.raises(InputError, match="tile: found 8"):
        attack.fit(weak(), cut, cut, State(attack.build(), torch.Generator()), Journal(tmp_path))


def test_without_a_discriminator_its_losses_are_not_made_up(tmp_path: Path) -> None:
    assert "d_loss" not in Fitted(tmp_path, weak(), realism=0, epochs=1).stats[0]


def test_settings_survive_a_round_trip_and_images_from_scratch_are_refused() -> None:
    attack = AdvGAN.read({"threat": {"norm": "linf", "eps": "8/255"}, **QUICK})
    assert plugin("attacks", attack.settings()) == attack
    with pytest.raises(InputError, match="norm"):
        AdvGAN.read({"threat": {"norm": "unrestricted"}})
