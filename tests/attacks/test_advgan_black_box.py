"""AdvGAN that only asks: a victim that trips on gradients and counts for itself, budgets, resuming."""

from pathlib import Path
from typing import Any

import pytest
import torch

from robustgan import evaluation, inputs, steps
from robustgan.attacks._distilled import Static
from robustgan.attacks._dynamic import Dynamic
from robustgan.attacks._pupils import Pairs, Pupils
from robustgan.attacks._queries import Asked, pairs_in, plan
from robustgan.attacks.advgan import AdvGAN
from robustgan.config import plugin
from robustgan.errors import InputError, RunError
from robustgan.freezing import weights_digest
from robustgan.gan.imitation import Imitator, answers_of, cross_entropy, moves_apart, odds_apart, shuffled
from robustgan.gan.surrogate import Surrogate
from robustgan.journal import Journal, silent
from robustgan.work import Work
from tests.attacks.planted import LINF, QUICK, Cut, Fitted, fooled, planted, weak
from tests.conftest import Linear

SMALL = {"growth_rate": 8, "block_config": [2, 2], "stem": "half", "epochs": 15}
BRIEF = {"epochs": 4, "surrogate": {**SMALL, "growth_rate": 4, "block_config": [1], "epochs": 2}}


class Trip(torch.autograd.Function):
    """Passes its input on, and fails when a gradient comes back."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        raise AssertionError("a gradient reached the victim")


class Secret(Linear):
    """The weak classifier, which counts the images it sees and lets no gradient through."""

    def __init__(self) -> None:
        super().__init__(weak().weight.detach())
        self.seen = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        return Trip.apply(super().forward(x))  # type: ignore[no-any-return, no-untyped-call]


def test_the_trap_works() -> None:
    x = torch.rand(2, 3, 16, 16, requires_grad=True)
    with pytest.raises(AssertionError, match="gradient reached"):
        Secret()(x).sum().backward()


@pytest.mark.slow
def test_dynamic_distillation_fools_where_noise_does_not_and_more_than_static(tmp_path: Path) -> None:
    rates = {}
    for knowledge in ("static", "dynamic"):
        victim, test = Secret(), planted(3)
        fitted = Fitted(tmp_path / knowledge, victim, images=256, knowledge=knowledge, surrogate=SMALL)
        counted = fitted.checks["queries"]
        assert counted["used"] + counted["measuring"] == victim.seen  # nothing is asked that is not counted
        assert counted["used"] == fitted.stats[-1]["queries"]
        assert fitted.checks["validation"]["any"]["noise_success"] < 0.05
        rows, _ = evaluation.judge(fitted.attack, victim, fitted.network, test, seed=0, batch=32)
        assert set(rows["queries"]) == {0.0}  # the trained generator asks nothing
        rates[knowledge] = fooled(rows, test.labels)
    assert rates["dynamic"] > 0.6  # of 0.69 with the weights
    assert rates["static"] < rates["dynamic"] - 0.05


@pytest.mark.parametrize(("knowledge", "budget"), [("dynamic", 1200), ("dynamic", 90), ("dynamic", 9), ("static", 150)])
def test_no_more_is_asked_than_the_budget_allows(tmp_path: Path, knowledge: str, budget: int) -> None:
    victim = Secret()
    fitted = Fitted(tmp_path, victim, **BRIEF, knowledge=knowledge, queries=budget)
    counted = fitted.checks["queries"]
    assert counted["budget"] == budget
    assert counted["used"] <= budget
    assert counted["used"] + counted["measuring"] == victim.seen
    assert len(fitted.stats) == 4  # the training goes on with what it has
    if budget == 90:
        assert counted["used"] > 75  # a small budget is spent nearly whole, over all epochs
        spent = [row["queries"] for row in fitted.stats]
        assert spent == sorted(set(spent))


def test_what_is_asked_for_is_known_beforehand(tmp_path: Path) -> None:
    victim = Secret()
    static = Fitted(tmp_path / "s", victim, **BRIEF, knowledge="static").checks["queries"]["used"]
    right = 48  # the weak classifier gets all validation images right
    assert static == 96 + 48 + 4 * right
    dynamic = Fitted(tmp_path / "d", victim, **BRIEF, knowledge="dynamic").checks["queries"]["used"]
    assert dynamic == 48 + 4 * right + (2 + 4) * 2 * 96  # images before and after, in 2 epochs of its own and 4 more


def test_a_budget_too_small_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="queries: found 5, allowed are 7 and more with 4 epochs"):
        Fitted(tmp_path, Secret(), **BRIEF, knowledge="dynamic", queries=5)


def test_a_budget_is_shared() -> None:
    assert plan(100_000, 2000, 300, 20, dynamic=False) == (300, 2000)  # enough for everything
    assert plan(8400, 2000, 300, 20, dynamic=False) == (100, 2000)  # 2100 of 8400 choose
    assert plan(840, 2000, 300, 20, dynamic=False) == (10, 630)
    assert plan(840, 2000, 300, 20, dynamic=True) == (10, 0)  # nothing is learned about images alone
    assert pairs_in(left=630, turns=20, most=2000) == 15
    assert pairs_in(left=630, turns=1, most=200) == 200
    assert pairs_in(left=3, turns=2, most=200) == 0
    assert pairs_in(left=-5, turns=2, most=200) == 0


def test_the_counter_stops_what_is_too_much_and_counts_measurements_apart() -> None:
    asked, x = Asked(weak(), 10), torch.rand(6, 3, 16, 16, requires_grad=True)
    asked(x)
    with pytest.raises(RunError, match="queries: asked about 6 images, but of 10 only 4 are left"):
        asked(x)
    with asked.measuring():
        asked(x)
    assert (asked.used, asked.measured, asked.left) == (6, 6, 4)


def test_a_black_box_run_that_was_killed_asks_and_learns_the_same(tmp_path: Path) -> None:
    settings = {**BRIEF, "knowledge": "dynamic", "queries": 500}
    straight = Fitted(tmp_path / "a", Secret(), **settings)
    before = Secret()
    with pytest.raises(KeyboardInterrupt):
        Fitted(tmp_path / "b", before, journal=Cut(tmp_path / "b"), **settings)
    assert len((tmp_path / "b" / "stats.jsonl").read_text("utf-8").splitlines()) == 2
    after = Secret()
    resumed = Fitted(tmp_path / "b", after, **settings)
    assert weights_digest(resumed.network) == weights_digest(straight.network)
    for name in ("stats.jsonl", "checks.json"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / name).read_bytes()
    counted = straight.checks["queries"]
    assert before.seen + after.seen == counted["used"] + counted["measuring"]


class Killed(Journal):
    """A journal of a run that is killed when the surrogate has gone twice through its images."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, self.die)

    def die(self, done: int, total: int, text: str) -> None:
        if text.startswith("surrogate") and done == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("knowledge", ["dynamic", "transfer"])
def test_a_kill_before_the_first_epoch_costs_no_answer_twice(tmp_path: Path, knowledge: str) -> None:
    settings = {**BRIEF, "epochs": 1, "knowledge": knowledge, "surrogates": 2}
    straight, before, after = Fitted(tmp_path / "a", Secret(), **settings), Secret(), Secret()
    with pytest.raises(KeyboardInterrupt):
        Fitted(tmp_path / "b", before, journal=Killed(tmp_path / "b"), **settings)
    resumed = Fitted(tmp_path / "b", after, **settings)
    assert weights_digest(resumed.network) == weights_digest(straight.network)
    assert (tmp_path / "b" / "checks.json").read_bytes() == (tmp_path / "a" / "checks.json").read_bytes()
    assert (straight.checks["validation"]["surrogates"] is None) == (knowledge == "transfer")  # these judge themselves
    if knowledge == "transfer":
        assert before.seen == after.seen == 0
    else:
        counted = straight.checks["queries"]
        assert before.seen == 48 + 2 * 2 * 96  # what chooses the epoch, and two rounds of images before and after
        assert before.seen + after.seen == counted["used"] + counted["measuring"]


@pytest.mark.slow
def test_surrogates_trained_on_labels_fool_a_classifier_that_is_never_asked(tmp_path: Path) -> None:
    victim, test = Secret(), planted(3)
    fitted = Fitted(tmp_path, victim, images=256, knowledge="transfer", surrogate=SMALL)
    assert victim.seen == 0
    assert fitted.attack.surrogates == 3
    assert fitted.attack.access == "none"
    assert (fitted.checks["judge"], fitted.checks["queries"]) == ("surrogates", None)
    assert fitted.stats[-1]["surrogates_right"] > 0.9
    rows, _ = evaluation.judge(fitted.attack, victim, fitted.network, test, seed=0, batch=32)
    assert fooled(rows, test.labels) > 0.25  # of 0.69 with the weights; noise: below 0.05
    assert plugin("attacks", fitted.attack.settings()) == fitted.attack


def test_a_panel_answers_with_the_mean_margin_of_networks_that_differ() -> None:
    torch.manual_seed(0)
    panel, x = Pupils(Surrogate.read(SMALL), 3, planted(1, 4).images, "log-odds").network, torch.rand(2, 3, 16, 16)
    margins = torch.stack([logits.diff(dim=1) for logits in panel.each(x)])
    torch.testing.assert_close(panel(x).diff(dim=1), margins.mean(0))
    assert margins.std(0).min() > 0


def test_the_surrogate_learns_from_labels_alone_too(tmp_path: Path) -> None:
    settings = {**BRIEF, "surrogate": {**BRIEF["surrogate"], "answers": "labels"}}  # type: ignore[dict-item]
    assert len(Fitted(tmp_path, Secret(), **settings, knowledge="dynamic").stats) == 4
    logits = torch.tensor([[2.0, 1.0], [-1.0, 3.0]])
    assert answers_of(logits, "labels").tolist() == [[1, 0], [0, 1]]
    torch.testing.assert_close(answers_of(logits, "probabilities"), logits.softmax(1))


def test_a_goal_trains_on_its_class_but_the_surrogate_learns_about_both(tmp_path: Path) -> None:
    victim = Secret()
    used = Fitted(tmp_path, victim, **BRIEF, knowledge="dynamic", goal="hide").checks["queries"]["used"]
    assert used == 24 + 4 * 24 + 2 * 2 * 96 + 4 * 2 * 48  # about 96 of both classes, then 48 malignant ones


def test_the_cross_entropy_with_answers_is_least_where_they_are_met() -> None:
    answers = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    entropy = -(answers * answers.log()).sum(1).mean()
    assert float(cross_entropy(answers.log(), answers)) == pytest.approx(float(entropy))
    assert cross_entropy(answers.flip(1).log(), answers) > entropy


def test_what_a_change_did_is_learned_whatever_the_image() -> None:
    before, after = torch.tensor([[0.0, 5.0], [0.0, -2.0]]), torch.tensor([[0.0, 2.0], [0.0, -2.0]])
    answers = torch.cat([before, after]).softmax(1)
    shift = torch.tensor([0.0, 7.0])  # wrong about both images alike, right about what the change did
    assert float(moves_apart(torch.cat([before, after]) + shift, answers)) == pytest.approx(0.0, abs=1e-5)
    assert float(odds_apart(torch.cat([before, after]) + shift, answers)) == pytest.approx(6.5, abs=0.01)
    unmoved = torch.cat([before, before])  # sees no change: 3 nats and 0, of which smooth L1 makes 2.5 and 0
    assert float(moves_apart(unmoved, answers)) == pytest.approx(1.25, abs=0.01)


def test_the_latest_pairs_are_kept() -> None:
    images, answers = planted(1, 6).images, torch.rand(6, 2)
    pairs = Pairs.none(images, 4)
    for rows in ([0, 1], [2, 3], [4, 5]):
        pairs = pairs.joined(images[rows], images[rows].flip(-1), answers[rows], 1 - answers[rows])
    assert torch.equal(pairs.before, images[2:])
    assert torch.equal(pairs.after, images[2:].flip(-1))
    assert torch.equal(pairs.known, answers[2:])
    assert torch.equal(pairs.told, 1 - answers[2:])


def test_it_asks_about_images_in_the_budget_that_fool_the_surrogate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a surrogate that knows the classifier: the changes must do what they are for, and stay small."""
    recipe = AdvGAN.read({"threat": LINF, **BRIEF, "knowledge": "dynamic"})
    victim, train = weak(), planted(1, 64)
    rival = Dynamic(recipe, victim, train, planted(2, 8))
    rival.open()
    rival.network = rival.pupils.network = victim  # type: ignore[assignment]
    rival.inquire(train, 64, rival.fooling, torch.Generator().manual_seed(0))
    before, after, known, told, _ = rival.pairs
    apart = (before.int() - after.int()).abs().amax()
    assert 0 < int(apart) <= round(255 * recipe.threat.eps)
    sides = known.argmax(1)
    lost = known.gather(1, sides[:, None]) - told.gather(1, sides[:, None])
    assert float((lost > 0).float().mean()) == 1.0
    assert rival.asked.used == 8 + 2 * 64


def test_the_distance_of_odds_sees_what_the_cross_entropy_does_not() -> None:
    sure, surer = torch.tensor([[0.0, 6.0]]), torch.tensor([[0.0, 9.0]])
    assert float(odds_apart(sure, sure.softmax(1))) == pytest.approx(0.0, abs=1e-6)
    assert float(odds_apart(sure, surer.softmax(1))) == pytest.approx(2.5, abs=0.01)  # 3 nats: linear beyond 1
    assert float(odds_apart(sure, torch.tensor([[0.0, 1.0]]))) < 14  # a probability of 0 is no infinite distance
    told = [float(cross_entropy(logits, surer.softmax(1))) for logits in (sure, surer)]
    assert told[0] - told[1] < 0.003


@pytest.mark.parametrize(
    ("settings", "loss"),
    [({}, odds_apart), ({"loss": "cross-entropy"}, cross_entropy), ({"answers": "labels"}, cross_entropy)],
)
def test_labels_have_no_odds(settings: dict[str, Any], loss: object) -> None:
    attack = AdvGAN.read({"threat": LINF, "knowledge": "static", "surrogate": {**SMALL, **settings}})
    assert Static(attack, weak(), planted(1, 8), planted(2, 8)).pupils.loss is loss


def test_no_batch_holds_one_image_where_that_can_be_avoided() -> None:
    rng = torch.Generator().manual_seed(0)
    parts = list(shuffled(9, 4, rng))
    assert [len(part) for part in parts] == [4, 5]
    assert sorted(torch.cat(parts).tolist()) == list(range(9))


def test_images_too_small_for_the_surrogate_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"block_config: found 4 blocks, which images of 16 x 16 .* fewer blocks"):
        Fitted(tmp_path, Secret(), knowledge="static")


def test_an_image_gets_the_same_answer_in_any_batch() -> None:
    torch.manual_seed(0)
    network, x = Imitator(Surrogate.read(SMALL)).eval(), torch.rand(5, 3, 16, 16)
    torch.testing.assert_close(network(x)[2:3], network(x[2:3]))


@pytest.mark.parametrize("setting", [{"queries": 500}, {"surrogate": SMALL}])
def test_settings_that_white_box_would_ignore_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(setting))}: only knowledge dynamic or static"):
        AdvGAN.read({"threat": LINF, **setting})


def test_the_step_hands_over_a_classifier_without_gradients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    monkeypatch.setattr(AdvGAN, "fit", lambda self, model, *rest: given.append(model))
    monkeypatch.setattr(inputs, "classifier_of", lambda work, name: weak())
    monkeypatch.setattr(inputs, "samples", lambda work, side: planted(1, 4))
    monkeypatch.setattr(inputs, "save", lambda network, work: None)
    for knowledge in ("white-box", "dynamic", "transfer"):
        attack = AdvGAN.read({"threat": LINF, **QUICK, "knowledge": knowledge})
        settings = {"attack": attack.settings(), "seed": 0, "device": "cpu"}
        steps.generator(Work(settings, {"classifier": tmp_path}, tmp_path, tmp_path, silent))
    x = torch.rand(1, 3, 16, 16, requires_grad=True)
    assert [model(x).requires_grad for model in given] == [True, False, False]


def test_the_step_refuses_an_attack_that_asks_though_it_says_that_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AdvGAN, "fit", lambda self, model, train, *rest: model(train.images / 255))
    monkeypatch.setattr(inputs, "classifier_of", lambda work, name: weak())
    monkeypatch.setattr(inputs, "samples", lambda work, side: planted(1, 4))
    attack = AdvGAN.read({"threat": LINF, **QUICK, "knowledge": "transfer"})
    settings = {"attack": attack.settings(), "seed": 0, "device": "cpu"}
    with pytest.raises(RunError, match="advgan: asked the classifier, though its access is `none`"):
        steps.generator(Work(settings, {"classifier": tmp_path}, tmp_path, tmp_path, silent))
