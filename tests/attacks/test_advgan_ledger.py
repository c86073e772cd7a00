"""A black-box AdvGAN that is killed anywhere: every answer is counted, and none is lost that was written down."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from robustgan import doing, inputs, steps
from robustgan.attacks._ledger import HEAD, Ledger, digest
from robustgan.attacks._queries import Asked, SpentError
from robustgan.attacks.advgan import AdvGAN
from robustgan.counting import Tallied
from robustgan.errors import RunError
from robustgan.freezing import weights_digest
from robustgan.journal import Journal, silent
from robustgan.work import Work
from tests.attacks.planted import LINF, QUICK, Fitted, planted, weak
from tests.conftest import Linear

BRIEF: dict[str, Any] = {"epochs": 2, "images": 32, "width": 8}  # two steps an epoch
MODES: dict[str, dict[str, Any]] = {
    # one call to open, two in each of two epochs of its own; in an epoch: 4 to learn and one to judge; 6 to measure
    "dynamic": {
        **BRIEF, "knowledge": "dynamic",
        "surrogate": {"growth_rate": 4, "block_config": [1], "stem": "half", "epochs": 2, "passes": 1},
    },
    "static": {
        **BRIEF, "knowledge": "static",
        "surrogate": {"growth_rate": 4, "block_config": [1], "stem": "half", "epochs": 1},
    },
    "estimated": {**BRIEF, "knowledge": "estimated", "queries": 330},  # one pair an image, then two
}  # fmt: skip


class Counting(Linear):
    """The weak classifier; it counts the images it answers about, and dies at a call: before it answers, or after."""

    def __init__(self, dies_at: int = 0, paid: bool = False) -> None:
        super().__init__(weak().weight.detach())
        self.seen = self.calls = 0
        self.dies_at, self.paid = dies_at, paid

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.calls == self.dies_at and not self.paid:
            raise KeyboardInterrupt
        self.seen += len(x)
        if self.calls == self.dies_at:
            raise KeyboardInterrupt
        return super().forward(x)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Fitted, int, int]]:
    """Trainings that nothing disturbed, the images that the classifier saw, and its calls."""
    found = {}
    for mode, settings in MODES.items():
        victim = Counting()
        found[mode] = Fitted(tmp_path_factory.mktemp(mode), victim, **settings), victim.seen, victim.calls
    return found


CALLS = {"dynamic": (1, 3, 8, 9, 10, 15, 17), "static": (2, 3, 5), "estimated": (1, 3, 6, 9, 15, 17)}


def test_the_calls_that_are_cut_below_reach_into_the_last_measurement(
    straight: dict[str, tuple[Fitted, int, int]],
) -> None:
    assert {mode: calls for mode, (_, _, calls) in straight.items()} == {"dynamic": 21, "static": 10, "estimated": 21}


@pytest.mark.parametrize(("mode", "call"), [(mode, call) for mode in CALLS for call in CALLS[mode]])
def test_a_kill_before_a_question_loses_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, straight: dict[str, tuple[Fitted, int, int]], mode: str, call: int
) -> None:
    before, after, announce = Counting(), Counting(), Ledger.announce
    asked = []

    def cut(ledger: Ledger, key: bytes, images: int) -> None:
        asked.append(images)
        if len(asked) == call:
            raise KeyboardInterrupt
        announce(ledger, key, images)

    monkeypatch.setattr(Ledger, "announce", cut)
    with pytest.raises(KeyboardInterrupt):
        Fitted(tmp_path, before, **MODES[mode])
    resumed = Fitted(tmp_path, after, **MODES[mode])
    undisturbed, seen, _ = straight[mode]
    assert before.calls == call - 1
    assert before.seen + after.seen == seen  # nothing is paid for twice
    assert resumed.checks == undisturbed.checks
    assert resumed.stats == undisturbed.stats
    assert weights_digest(resumed.network) == weights_digest(undisturbed.network)


@pytest.mark.parametrize(("mode", "call"), [("dynamic", 3), ("dynamic", 8), ("dynamic", 15), ("estimated", 9)])
def test_answers_that_never_arrived_are_counted_and_bought_again(
    tmp_path: Path, straight: dict[str, tuple[Fitted, int, int]], mode: str, call: int
) -> None:
    before, after = Counting(call, paid=True), Counting()
    with pytest.raises(KeyboardInterrupt):
        Fitted(tmp_path, before, **MODES[mode])
    resumed = Fitted(tmp_path, after, **MODES[mode])
    counted = resumed.checks["queries"]
    assert before.seen + after.seen == counted["used"] + counted["measuring"]
    assert counted["again"] > 0
    assert counted["used"] <= counted["budget"]
    if mode == "dynamic":  # its budget is large enough for the same questions
        assert weights_digest(resumed.network) == weights_digest(straight[mode][0].network)
        assert counted["used"] == straight[mode][0].checks["queries"]["used"] + counted["again"]


def test_where_a_kill_cost_the_last_epoch_the_best_before_it_is_kept(tmp_path: Path) -> None:
    exact = {**MODES["dynamic"], "queries": 29 + 2 * 29 + (2 + 2) * 2 * 32 + 6}
    with pytest.raises(KeyboardInterrupt):
        Fitted(tmp_path, Counting(15, paid=True), **exact)  # the second epoch is judged
    ended = Fitted(tmp_path, Counting(), **exact)
    assert len(ended.stats) == 1
    assert ended.checks["queries"]["used"] <= exact["queries"]
    assert ended.checks["queries"]["again"] == 29


def test_other_questions_after_a_kill_are_asked_and_the_old_answers_stay_counted(
    tmp_path: Path, straight: dict[str, tuple[Fitted, int, int]]
) -> None:
    """As on a GPU, where a training that goes on need not make the same images."""
    before, after = Counting(10), Counting()
    with pytest.raises(KeyboardInterrupt):
        Fitted(tmp_path, before, **MODES["dynamic"])
    ledger = tmp_path / "answers.bin"
    at = HEAD.size * 7 + 8 * (48 + 4 * 32 + 2 * 16)  # the eighth question
    content = bytearray(ledger.read_bytes())
    content[at] ^= 1
    ledger.write_bytes(content)
    resumed = Fitted(tmp_path, after, **MODES["dynamic"])
    counted = resumed.checks["queries"]
    assert counted["again"] == 16 + 16 + 48  # the eighth, the ninth, and the tenth that was only announced
    assert before.seen + 48 + after.seen == counted["used"] + counted["measuring"]
    assert weights_digest(resumed.network) == weights_digest(straight["dynamic"][0].network)


def test_a_ledger_gives_back_what_was_written_and_says_what_is_lost(tmp_path: Path) -> None:
    x, y = torch.rand(3, 3, 4, 4), torch.rand(2, 3, 4, 4)
    logits = torch.randn(3, 2)
    first = Ledger(tmp_path / "answers.bin")
    first.announce(digest(x), 3)
    first.write(logits)
    first.announce(digest(y), 2)  # and then a kill
    again = Ledger(tmp_path / "answers.bin")
    found, lost = again.take(digest(x))
    assert found is not None
    assert torch.equal(found, logits)
    assert lost == 0
    assert again.take(digest(y)) == (None, 2)
    third = Ledger(tmp_path / "answers.bin")
    assert third.take(digest(y)) == (None, 5)  # not what was asked first: nothing of it is of use
    assert Ledger(tmp_path / "answers.bin").take(digest(x)) == (None, 5)  # a kill does not forget that
    torn = Ledger(tmp_path / "torn.bin")
    torn.path.write_bytes(b"half a head")
    assert torn.take(digest(x)) == (None, 0)
    torn.announce(digest(x), 3)
    torn.write(logits)
    assert torch.equal(Ledger(torn.path).take(digest(x))[0], logits)  # type: ignore[arg-type]


def test_answers_that_are_lost_are_taken_off_the_budget(tmp_path: Path) -> None:
    x = torch.rand(4, 3, 16, 16)
    Ledger(tmp_path / "answers.bin").announce(digest(x), 4)
    asked = Asked(weak(), 10)
    asked.ledger = Ledger(tmp_path / "answers.bin")
    asked(x)
    assert (asked.used, asked.again, asked.left) == (8, 4, 2)
    with pytest.raises(SpentError, match=r"of 10 only 2 are left; 4 were asked about once more, after a kill"):
        asked(x)


DIES = """
import os, signal, sys
from pathlib import Path
from tests.attacks.test_advgan_ledger import MODES, Counting, Fitted

class Dying(Counting):
    def forward(self, x):
        found = super().forward(x)
        with open(sys.argv[1] + "/seen", "a") as file:
            file.write(f"{len(x)}\\n")
        if self.calls == 9:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

Fitted(Path(sys.argv[1]) / "run", Dying(), **MODES["estimated"])
"""


@pytest.mark.slow
def test_sigkill_in_the_middle_of_a_step_hides_no_answer(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-P", "-c", DIES, str(tmp_path)], cwd=root, env=environment)
    assert done.returncode == -signal.SIGKILL
    after = Counting()
    counted = Fitted(tmp_path / "run", after, **MODES["estimated"]).checks["queries"]
    given = sum(map(int, (tmp_path / "seen").read_text().split())) + after.seen
    assert given == counted["used"] + counted["measuring"]
    assert counted["again"] == 16
    assert counted["used"] <= 330


# ------------------------------------------------------------------------------------------------ the harness counts


def test_the_harness_counts_on_after_a_kill(tmp_path: Path) -> None:
    x = torch.rand(3, 3, 16, 16)
    first = Tallied(weak(), tmp_path / "answers.count")
    first(x)
    again = Tallied(weak(), tmp_path / "answers.count")
    again(x)
    assert again.total == 6


@pytest.mark.parametrize(
    ("used", "again", "fine"), [(3, 0, True), (2, 0, False), (4, 0, False), (4, 1, True), (5, 1, False), (2, 1, False)]
)
def test_an_attack_that_says_another_number_than_the_harness_counted_is_refused(
    tmp_path: Path, used: int, again: int, fine: bool
) -> None:
    victim = Tallied(weak(), tmp_path / "answers.count")
    victim(torch.rand(5, 3, 16, 16))
    checks = tmp_path / "checks.json"
    checks.write_text(json.dumps({"queries": {"used": used, "measuring": 2, "again": again}}))
    if fine:
        victim.compare("advgan", checks)
    else:
        with pytest.raises(RunError, match=rf"advgan: says that it asked about {used + 2} images .* was shown 5"):
            victim.compare("advgan", checks)


@pytest.mark.parametrize("honest", [True, False])
def test_the_step_compares_the_counts_and_none_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, honest: bool
) -> None:
    monkeypatch.setattr(inputs, "classifier_of", lambda work, name: weak())
    monkeypatch.setattr(inputs, "samples", lambda work, side: planted(1, 16))
    if not honest:
        count = Asked._count
        monkeypatch.setattr(Asked, "_count", lambda self, images: count(self, images // 2))
    attack = AdvGAN.read({"threat": LINF, **QUICK, "knowledge": "estimated", "queries": 100, "epochs": 1})
    settings = {"attack": attack.settings(), "seed": 0, "device": "cpu", "name": "x", "fold": 1}
    work = Work(settings, {"classifier": tmp_path}, tmp_path, tmp_path, silent)
    if honest:
        steps.generator(work)
        assert (tmp_path / "answers.bin").exists()  # paid for: they go when nothing can be lost any more
        doing.tidy(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {
            "stats.jsonl", "checks.json", "weights.safetensors", "card.json"
        }  # fmt: skip
    else:
        with pytest.raises(RunError, match="but the classifier was shown"):
            steps.generator(work)


def test_an_old_ledger_without_a_checkpoint_is_no_bodys(tmp_path: Path) -> None:
    Ledger(tmp_path / "answers.bin").announce(bytes(range(32)), 4)
    assert Journal(tmp_path).load() is None
    assert not (tmp_path / "answers.bin").exists()
