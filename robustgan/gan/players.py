"""The two players of a game, and all that a checkpoint of it holds."""

from __future__ import annotations

import copy
import math
from typing import Any

from torch import Tensor

from robustgan.gan.conditional import Gan, Generator
from robustgan.gan.monitor import Finding, Scale, window_of
from robustgan.gan.objectives import scale
from robustgan.gan.optimiser import adam
from robustgan.gan.recipe import Play, Watch
from robustgan.team import ALONE, Team

BETAS = (0.0, 0.9)
ATTEMPT = (  # what belongs to one attempt, and starts anew with the next
    "seed", "step", "pace", "chance", "r1", "losses", "gaps", "signs", "lengths", "distances", "recalls", "sizes",
    "flaws", "best", "best_kid", "best_step", "best_flaw",
)  # fmt: skip
WHOLE = ("attempt", "looks", "sound", "trace", "reloads", "untrained", "over", "taken", "noted", "earlier")


class Game:
    """Both players and all that a checkpoint holds. `player` trains, `gan.generator` is its average."""

    def __init__(self, gan: Gan, rule: Play, watch: Watch, seed: int, team: Team = ALONE) -> None:
        self.gan, self.rule, self.watch, self.team = gan, rule, watch, team
        self.player: Generator = copy.deepcopy(gan.generator)
        self.attempt = self.reloads = 0
        self.looks = 0  # at the generator, in all attempts: the rows of `progress.png`
        self.sound = 0  # looks that no rule refused: the kept one is the best of so many
        self.trace: list[Tensor] = []  # what each step since the last look gave (`turn.turn`)
        self.untrained = math.inf  # distance before the first step
        self.over = False  # nothing is left to try
        self.taken: list[dict[str, Any]] = []  # actions: attempt, step, rule, reason, action
        self.noted: list[dict[str, Any]] = []  # rules that applied and were answered with nothing
        self.earlier: dict[str, Any] = {}  # the best of the attempts before this one
        self.begin(seed)

    def begin(self, seed: int) -> None:
        """Put an attempt at its start; the networks are whatever the caller has put there."""
        self.seed, self.step = seed, 0
        self.optimisers = {
            "g": adam(self.player, BETAS, self.rule.lr_g),
            "d": adam(self.gan.discriminator, BETAS, self.rule.lr_d),
        }
        self.pace = 1.0  # halved with each mending of the learning rates
        self.chance, self.r1 = self.rule.augment, self.rule.r1
        self.losses: list[float] = []  # of the discriminator, without penalties, a step
        self.gaps: list[float] = []  # mean D(real) - D(generated), a step
        self.signs: list[float] = []  # mean sign of D(real), a step
        self.lengths: list[float] = []  # of the longer of the two networks' gradients, a step
        self.distances: list[list[float]] = []  # distance to real images and its standard deviation, a look
        self.recalls: dict[str, list[float]] = {}  # of each label, a look
        self.sizes: dict[str, int] = {}  # held-out images of each label
        self.flaws: list[list[str]] = []  # the rule on generated images that applies, and its reason; a look
        self.best: dict[str, Tensor] = {}
        self.best_kid, self.best_step = math.inf, 0
        self.best_flaw: list[str] = []  # why the best would be refused, if it was

    @property
    def window(self) -> int:
        """Steps that the rules on losses look back on."""
        return window_of(self.rule.steps, self.watch)

    @property
    def scale(self) -> Scale:
        """Where the discriminator's loss can lie."""
        return scale(self.rule.loss, self.rule.real_target, self.rule.flip)

    def since(self, step: int) -> int:
        """Step of the last action before `step`: what came before it no longer counts."""
        return max((t["step"] for t in self.taken if t["attempt"] == self.attempt and t["step"] < step), default=0)

    def log(self, finding: Finding) -> dict[str, Any]:
        """A line of `status.json`: when which rule applied."""
        return {"attempt": self.attempt, "step": self.step, "rule": finding.rule, "reason": finding.reason}

    def set_rates(self) -> None:
        """Let the learning rates fall to nothing, linearly, over the second half of the steps.

        Near the end an averaged generator at constant rates is still thrown about; the falling rates settle it.

        Source: Miyato et al., ICLR 2018, appendix B.3 (linear decay; there from the first step on).
        """
        left = self.pace * min(1.0, 2 * (1 - self.step / self.rule.steps))
        for name, peak in (("g", self.rule.lr_g), ("d", self.rule.lr_d)):
            for group in self.optimisers[name].param_groups:
                group["lr"] = peak * left

    def halve_rates(self) -> None:
        """Let both players take half the steps from here on."""
        self.pace /= 2

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        modules = {"gan": self.gan.state_dict(), "player": self.player.state_dict()}
        optimisers = {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()}
        return {**{name: getattr(self, name) for name in (*ATTEMPT, *WHOLE)}, **modules, **optimisers}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a checkpoint."""
        self.gan.load_state_dict(state.pop("gan"))
        self.player.load_state_dict(state.pop("player"))
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state.pop(name))
        for name, value in state.items():
            setattr(self, name, value)
        self.trace = [row.to(self.gan.cells.device) for row in self.trace]
