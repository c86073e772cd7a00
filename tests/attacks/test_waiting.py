"""Between two looks nothing in a strong attack, or in the training of a generator, waits for what a GPU has to do."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from robustgan.attacks import _apgd, _fab, _square
from robustgan.attacks._advgan import Duel
from robustgan.attacks._leads import entropy, lead
from robustgan.attacks._parts import Climbing
from robustgan.attacks._peak import Peak
from robustgan.attacks._siege import Outcome, Siege
from robustgan.attacks.advgan import AdvGAN
from robustgan.counting import Counted
from robustgan.errors import RunError
from robustgan.gan import turn
from robustgan.interfaces import L2, Bounded, Linf
from tests.attacks.closed_form import planes
from tests.attacks.planted import LINF, QUICK, planted, weak
from tests.gan.test_turn import begun

STEPS, NEVER = 12, 1000
GREY = 176 / 255
WAITING = {"item", "tolist", "cpu", "numpy", "nonzero", "masked_select", "tensor", "__bool__", "__int__", "__float__"}
Attempt = Callable[[Siege], Outcome]


class Waits(TorchFunctionMode):
    """Notes a `w` where a host would wait for its GPU: a number is read, a mask is an index, rows are copied over."""

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.events = events

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        index = args[1] if name in ("__getitem__", "__setitem__") else ()
        if name in WAITING or any(masks(index)):
            self.events.append("w")
        return func(*args, **(kwargs or {}))


def masks(index: object) -> Iterable[bool]:
    parts = index if isinstance(index, tuple) else (index,)
    return (isinstance(part, torch.Tensor) and part.dtype == torch.bool for part in parts)


class Told(nn.Module):
    """Notes an `f` at each forward pass."""

    def __init__(self, model: nn.Module, events: list[str]) -> None:
        super().__init__()
        self.model, self.events = model, events

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.events.append("f")
        logits: torch.Tensor = self.model(x)
        return logits


def climbed(siege: Siege, steps: int) -> Outcome:
    peak = Peak.before(siege)
    peak.climb(siege.x, steps, lambda gradient: siege.threat.ascend(gradient, siege.threat.eps / 4), drop=True)
    found = peak.found()
    logits = siege.model(found)
    return Outcome(found, logits.argmax(1) != siege.y, lead(logits.double(), siege.y))


ATTEMPTS: dict[str, tuple[Callable[[Siege, int], Outcome], int]] = {  # and forward passes a step
    "pgd": (climbed, 1),
    "apgd": (lambda siege, n: _apgd.once(siege, loss=entropy, rank=None, steps=n, name=("apgd",)), 1),
    "fab": (lambda siege, n: _fab.once(siege, rank=0, restart=0, steps=n), 2),
    "square": (_square.search, 1),
}
THREATS: list[Bounded] = [Linf(eps=2 / 255), L2(eps=0.3)]


@pytest.mark.parametrize("threat", THREATS, ids=["linf", "l2"])
@pytest.mark.parametrize("name", ATTEMPTS)
def test_nothing_waits_from_look_to_look(name: str, threat: Bounded) -> None:
    attempt, each = ATTEMPTS[name]

    def passes_before_a_wait(wait: int) -> int:
        events: list[str] = []
        siege, _ = planes(2)
        victim = Counted(Told(siege.model, events), gradients=True, images=len(siege.y)).eval()
        with Waits(events):
            attempt(replace(siege, model=victim, threat=threat, wait=wait), STEPS)
        told = "".join(events)
        told = told[told.index("f") :]
        return told.index("w") if "w" in told else len(told)

    assert passes_before_a_wait(NEVER) >= each * STEPS
    assert passes_before_a_wait(1) <= each, "what waits is seen"


@pytest.mark.parametrize("name", ATTEMPTS)
def test_looking_seldom_changes_no_verdict(name: str) -> None:
    attempt, _ = ATTEMPTS[name]
    siege, robust = planes(3)
    often, seldom = (attempt(replace(siege, wait=wait), STEPS) for wait in (1, 4))
    assert torch.equal(often.fooled, seldom.fooled)
    assert 0 < int(often.fooled.sum()) <= int((~robust).sum())
    if name == "pgd":  # of the points since the last look it takes the best, the others the first that fools
        return
    torch.testing.assert_close(often.x_adv, seldom.x_adv, rtol=0, atol=1e-5)
    torch.testing.assert_close(often.height, seldom.height, rtol=1e-4, atol=1e-5)


class Broken(nn.Module):
    """Finite on a grey image, NaN once a pixel has moved."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(1)
        moved = (flat - GREY).abs().amax(1) > 0.5 / 255
        return torch.stack([torch.full((len(x),), 9.0), flat.mean(1) + torch.where(moved, torch.nan, 0.0)], 1)


@pytest.mark.parametrize("name", ["pgd", "apgd", "fab", "square"])
def test_what_is_not_finite_is_said_at_the_next_look(name: str) -> None:
    x = torch.full((3, 3, 8, 8), GREY)
    siege = Siege(Broken(), x, torch.zeros(3).long(), Linf(eps=8 / 255), (1, 2, 3), wait=4)
    with pytest.raises(RunError, match="not finite"):
        ATTEMPTS[name][0](siege, STEPS)


def test_every_climb_of_an_attack_can_wait() -> None:
    """`attempts` hands the same pause to all restarts."""
    siege, _ = planes(3)
    siege = replace(siege, wait=4)
    found = [attempt(siege).fooled for attempt in Climbing(steps=6, restarts=2).attempts(3)]
    often = [attempt(replace(siege, wait=1)).fooled for attempt in Climbing(steps=6, restarts=2).attempts(3)]
    assert all(map(torch.equal, found, often))


# ------------------------------------------------------------------------------------------- trainings of generators


class Reads(TorchFunctionMode):
    """Notes an `r` where a host would read what its GPU computes; what the host drew by itself it may read.

    A tensor is the host's own if a generator of random numbers on the CPU made it, or if it comes from such tensors
    alone; once it is sent to a device (`to`), it is not.
    """

    def __init__(self, events: list[str]) -> None:
        super().__init__()
        self.events = events

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        given = [part for part in (*args, *kwargs.values()) if isinstance(part, torch.Tensor)]
        own = all(getattr(part, "own", False) for part in given) if given else "generator" in kwargs
        index = args[1] if name in ("__getitem__", "__setitem__") else ()
        if not own and (name in WAITING - {"tensor"} or any(masks(index))):
            self.events.append("r")
        found = func(*args, **kwargs)
        if name == "to":
            return found.clone() if own else found  # on a CPU it would be the same tensor
        for part in found if isinstance(found, tuple | list) else (found,):
            if own and isinstance(part, torch.Tensor):
                part.own = True  # type: ignore[attr-defined]
        return found


def told(monkeypatch: pytest.MonkeyPatch, play: Callable[[], None]) -> str:
    """An `s` for each step of an optimiser, in which torch is left alone, and an `r` for each number that is read."""
    events: list[str] = []
    step = torch.optim.Adam.step

    def noted(self: torch.optim.Adam) -> None:
        events.append("s")
        with torch._C.DisableTorchFunction():
            step(self)

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    with Reads(events):
        play()
    return "".join(events)


RULES: list[dict[str, Any]] = [
    {}, {"loss": "wgan-gp", "d_steps": 2}, {"r1": 1.0, "r1_every": 2, "flip": 0.1, "loss": "minimax"},
    {"loss": "lsgan", "real_target": 0.9},
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=["hinge", "wgan-gp", "r1", "lsgan"])
def test_a_turn_of_the_gans_game_reads_nothing(monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any]) -> None:
    game, pool = begun(**rule)

    def play() -> None:
        for _ in range(3):
            game.trace.append(turn.turn(game, pool))
            game.step += 1

    assert told(monkeypatch, play) == "s" * 3 * (1 + rule.get("d_steps", 1))
    assert told(monkeypatch, lambda: game.trace[0].tolist()) == "r", "what is read is seen"


ATTACKS: list[dict[str, Any]] = [
    {}, {"form": "universal"}, {"network": "unet", "smoothness": 0.1}, {"preset": "paper", "batch": 16, "blocks": 1},
    {"realism": 0, "threat": {"norm": "l2", "eps": 1.0}},
]  # fmt: skip


@pytest.mark.parametrize("settings", ATTACKS, ids=["tiles", "universal", "unet", "paper", "l2"])
def test_an_epoch_of_advgan_reads_nothing_before_its_end(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    attack, train = AdvGAN.read({"threat": LINF, **QUICK, "width": 8, **settings}), planted(1, 48)
    torch.manual_seed(0)
    duel = Duel(attack, attack.build(), train)
    duel.epoch = 2  # the discriminator has its say
    model, rng = weak().requires_grad_(False), torch.Generator().manual_seed(0)
    events = told(monkeypatch, lambda: duel.play_epoch(model, train, rng, lambda done, total: None) and None)
    steps = 3 * (2 if attack.realism else 1)
    assert events.startswith("s" * steps)
    assert set(events[steps:]) == {"r"}, "the means of an epoch are read at its end"
