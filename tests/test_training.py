import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save as to_bytes
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score
from torch import nn

from robustgan import training
from robustgan.errors import InputError, RunError
from robustgan.experiment import Training
from robustgan.interfaces import Samples
from robustgan.journal import Journal
from robustgan.stopping import Stop, Stopped
from tests.conftest import samples_of


class KilledError(Exception):
    """Stands for a kill."""


def lesson(n: int, seed: int, gap: int = 60, malignant: float = 0.5) -> Samples:
    """Noise images; malignant ones are redder by `gap` grey levels."""
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.arange(n) < malignant * n).long()
    images = torch.randint(0, 150, (n, 3, 16, 16), generator=generator)
    images[:, 0] += gap * labels.view(-1, 1, 1)
    return samples_of(images.to(torch.uint8), labels)


def fresh(seed: int = 0, dropout: float = 0.3) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(32, 2),
    )


RULE = Training(epochs=4, batch=16, lr=1e-2, patience=4)


def trained(folder: Path, rule: Training = RULE, train: Samples | None = None, val: Samples | None = None) -> nn.Module:
    folder.mkdir(exist_ok=True)
    network = fresh()
    training.train(network, train or lesson(70, 1), val or lesson(40, 2), rule, 7, Journal(folder))
    return network


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]


def weights_of(network: nn.Module) -> bytes:
    return to_bytes({name: value.contiguous() for name, value in network.state_dict().items()})


def test_it_learns_what_can_be_learnt_and_writes_down_how(tmp_path: Path) -> None:
    network = trained(tmp_path, RULE.model_copy(update={"epochs": 8, "patience": 8}))
    seen = rows(tmp_path)
    assert [row["epoch"] for row in seen] == list(range(1, 9))
    assert set(seen[0]) == {"epoch", "loss", "val_loss", "val_balanced_accuracy", "val_auroc", "lr"}
    assert seen[-1]["loss"] < seen[0]["loss"]
    result = training.validate(network, lesson(60, 3), torch.ones(2), 16)
    assert result.balanced_accuracy > 0.95
    assert not network.training


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    one, same = trained(tmp_path / "a"), trained(tmp_path / "b")
    assert weights_of(one) == weights_of(same)
    assert rows(tmp_path / "a") == rows(tmp_path / "b")
    other = fresh()
    (tmp_path / "c").mkdir()
    training.train(other, lesson(70, 1), lesson(40, 2), RULE, 8, Journal(tmp_path / "c"))
    assert weights_of(one) != weights_of(other)


@pytest.mark.parametrize("step", [1, 4, 6, 16])  # of 16
def test_a_training_asked_to_stop_goes_on_from_that_step(tmp_path: Path, step: int) -> None:
    straight = trained(tmp_path / "straight")
    (tmp_path / "cut").mkdir()
    steps: list[int] = []
    stop = Stop(patient=True)

    def ask(done: int, total: int, text: str) -> None:
        steps.append(done)
        if done == step - 1:
            stop.signum = 15

    if step == 1:
        stop.signum = 15
    with pytest.raises(Stopped):
        training.train(fresh(), lesson(70, 1), lesson(40, 2), RULE, 7, Journal(tmp_path / "cut", ask, stop=stop))
    assert steps == list(range(1, step))
    torch.rand(step)  # whatever else the new process draws
    again: list[int] = []
    network = fresh()
    journal = Journal(tmp_path / "cut", lambda done, total, text: again.append(done))
    training.train(network, lesson(70, 1), lesson(40, 2), RULE, 7, journal)
    assert again[:-1] == list(range(step + 1, 17))  # no step is done twice
    assert weights_of(network) == weights_of(straight)
    assert (tmp_path / "cut" / "stats.jsonl").read_bytes() == (tmp_path / "straight" / "stats.jsonl").read_bytes()


def test_a_loss_that_is_not_finite_is_named_with_its_step(tmp_path: Path) -> None:
    class Breaks(nn.Sequential):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += self.training
            return super().forward(x) * (math.nan if self.training and self.calls == 6 else 1)

    network = Breaks(*fresh())
    with pytest.raises(RunError, match="the loss is not finite from step 6 on: found nan"):
        training.train(network, lesson(70, 1), lesson(40, 2), RULE, 7, Journal(tmp_path))


@pytest.mark.parametrize("step", [1, 4, 5, 9, 15, 16])  # of 16: inside each epoch, at its first and last step
def test_a_training_killed_at_any_step_resumes_to_the_same_bytes(tmp_path: Path, step: int) -> None:
    straight = trained(tmp_path / "straight")
    (tmp_path / "cut").mkdir()

    def kill(done: int, total: int, text: str) -> None:
        assert total == 16
        if done == step:
            raise KilledError

    network = fresh()
    with pytest.raises(KilledError):
        training.train(network, lesson(70, 1), lesson(40, 2), RULE, 7, Journal(tmp_path / "cut", kill))
    torch.rand(step)  # whatever else the new process draws
    assert weights_of(trained(tmp_path / "cut")) == weights_of(straight)
    assert (tmp_path / "cut" / "stats.jsonl").read_bytes() == (tmp_path / "straight" / "stats.jsonl").read_bytes()


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    first = trained(tmp_path)
    ticks: list[int] = []
    again = fresh(seed=9)
    journal = Journal(tmp_path, lambda done, total, text: ticks.append(done))
    training.train(again, lesson(70, 1), lesson(40, 2), RULE, 7, journal)
    assert weights_of(first) == weights_of(again)
    assert ticks == [16]


def test_the_best_epoch_is_kept_and_patience_ends_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[bytes] = []
    losses = [0.6, 0.3, 0.3, 0.9, 0.2, 0.9]  # means over three: 0.6, 0.45, 0.4, 0.5, 0.47, 0.67
    script = iter(losses)

    def scripted(network: nn.Module, *_: object) -> training.Validation:
        states.append(weights_of(network))
        return training.Validation(next(script), 0.7, 0.8)

    monkeypatch.setattr(training, "validate", scripted)
    network = trained(tmp_path, RULE.model_copy(update={"epochs": 20, "patience": 3}))
    assert [row["val_loss"] for row in rows(tmp_path)] == losses
    assert weights_of(network) == states[2]
    assert len(set(states)) == 6


def test_progress_says_steps_loss_and_validation_score(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    training.train(fresh(), lesson(70, 1), lesson(40, 2), RULE, 7, Journal(tmp_path, lambda *tick: seen.append(tick)))
    assert [done for done, _, _ in seen] == [*range(1, 17), 16]
    assert {total for _, total, _ in seen} == {16}
    last = rows(tmp_path)[-1]
    assert f"loss {last['loss']:.3f}" in seen[-1][2]
    assert f"balanced accuracy {last['val_balanced_accuracy']:.3f}" in seen[-1][2]


@pytest.mark.parametrize(("side", "what"), [("train", "training"), ("val", "validation")])
@pytest.mark.parametrize(("malignant", "absent"), [(0.0, "malignant"), (1.0, "benign")])
def test_a_missing_class_is_refused(tmp_path: Path, side: str, what: str, malignant: float, absent: str) -> None:
    with pytest.raises(InputError, match=rf"the {what} images lack a class: found .*Add {absent} patients"):
        trained(tmp_path, **{side: lesson(20, 1, malignant=malignant)})  # type: ignore[arg-type]


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"loss.* is not finite.*Lower the learning rate"):
        trained(tmp_path, RULE.model_copy(update={"lr": 1e30}))
    assert not (tmp_path / "checkpoint.pt").exists()


def test_images_too_small_for_the_network_are_said(tmp_path: Path) -> None:
    network = nn.Sequential(nn.MaxPool2d(4), nn.MaxPool2d(8), nn.Flatten(), nn.Linear(3, 2))
    with pytest.raises(InputError, match=r"cannot take images of 16 x 16 pixels"):
        training.train(network, lesson(20, 1), lesson(20, 2), RULE, 0, Journal(tmp_path))


def test_fewer_images_than_a_batch_are_one_batch(tmp_path: Path) -> None:
    trained(tmp_path, RULE.model_copy(update={"epochs": 1}), lesson(6, 1), lesson(6, 2))
    assert len(rows(tmp_path)) == 1


@pytest.mark.parametrize("batch", [7, 16, 70, 100])
def test_an_epoch_sees_full_batches_of_different_images(batch: int) -> None:
    drawn = list(training.batches(70, batch, torch.Generator().manual_seed(0)))
    assert {len(rows) for rows in drawn} == {min(batch, 70)}
    assert len(drawn) == max(1, 70 // batch)
    seen = torch.cat(drawn)
    assert len(set(seen.tolist())) == len(seen)


def test_both_classes_weigh_alike() -> None:
    labels = torch.tensor([0] * 30 + [1] * 10)
    weight = training.class_weights(labels, "training")
    torch.testing.assert_close(weight, torch.tensor([40 / 60, 40 / 20]))
    logits = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    score = logits.softmax(1)[:, 1].double().numpy()
    by_class = [log_loss(labels[part], score[part], labels=[0, 1]) for part in (slice(0, 30), slice(30, 40))]
    assert float(training.cross_entropy(logits, labels, weight)) == pytest.approx(sum(by_class) / 2, rel=1e-5)


def test_validation_agrees_with_scikit_learn_whatever_the_batch() -> None:
    network, val = fresh().eval(), lesson(50, 4, gap=5, malignant=0.3)
    seen = training.validate(network, val, torch.ones(2), 16)
    score = network(val.images.float() / 255).softmax(1)[:, 1].detach().numpy()
    truth = val.labels.numpy()
    assert seen.auroc == pytest.approx(roc_auc_score(truth, score))
    assert seen.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, score >= 0.5))
    assert seen.loss == pytest.approx(log_loss(truth, score.astype(float)), rel=1e-5)
    assert training.validate(network, val, torch.ones(2), 50).loss == pytest.approx(seen.loss, rel=1e-5)


def test_the_rate_warms_up_for_one_epoch_and_then_falls_to_zero() -> None:
    rates = [training.rate(step, 10, 50) for step in range(50)]
    assert rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert rates[10] == 1.0
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[30] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.01
    assert all(math.isfinite(training.rate(0, 1, total)) for total in (1, 2, 3))


def test_biases_and_norms_do_not_decay() -> None:
    groups = training.optimizer_of(fresh(), RULE).param_groups
    assert [group["weight_decay"] for group in groups] == [RULE.weight_decay, 0.0]
    assert all(p.ndim > 1 for p in groups[0]["params"])
    assert sum(len(group["params"]) for group in groups) == len(list(fresh().parameters()))


def test_half_precision_trains_to_finite_weights_and_other_bytes(tmp_path: Path) -> None:
    half = trained(tmp_path / "half", RULE.model_copy(update={"precision": "bf16"}))
    assert all(torch.isfinite(p).all() and p.dtype == torch.float32 for p in half.parameters())
    assert weights_of(half) != weights_of(trained(tmp_path / "full"))
