"""All probes of one classifier on some of its test images, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch
from torch import nn

from robustgan.batches import Room
from robustgan.draws import seed_of
from robustgan.errors import MemoryShortError, RunError
from robustgan.experiment import Strength
from robustgan.freezing import frozen
from robustgan.interfaces import Access, Samples
from robustgan.journal import Tick, silent
from robustgan.prepare import prepared
from robustgan.probes import STEPS
from robustgan.probing import answering, gradients, plan, surrogate
from robustgan.probing.answering import Facts
from robustgan.probing.choosing import chosen, part
from robustgan.probing.judging import BATCH, Found, Victim, answers, judged, rows
from robustgan.probing.plan import Ask
from robustgan.quantise import to_float
from robustgan.tensors import Labels, Network, Scores

MEAN_OF = 8  # answers that stand for one answer of a classifier that varies

COLUMNS = (
    *("probe", "attack", "norm", "eps", "setting", "image_id", "group", "label"),
    *("clean_pred", "pred", "margin", "queries"),
)


def measure(
    network: Network,
    samples: Samples,
    rule: Strength,
    seed: int,
    tick: Tick = silent,
    access: Access = "white-box",
) -> tuple[pd.DataFrame, Facts]:
    """Attack a classifier in many ways on a few images, and ask it what tells whether attacks can be trusted.

    Attacks see the images that it gets right: only those can be lost. What it says is measured on all.
    As in a run, they climb the classifier as `prepare.py` makes it, and what they make is shown to the classifier
    itself. All other facts are its own, and one that does not give the same answer twice is attacked as it is.

    Args:
        network: the classifier, at its operating point.
        samples: test images; those that are probed are chosen by their digests.
        rule: how many images, and the budget.
        seed: of all random numbers.
        tick: told after each probe.
        access: "query" for a classifier that gives no gradients: nothing is asked that needs them.

    Returns:
        Rows of PROBES without `model` and `fold`, and facts: plain values for a JSON file.
    """
    some = chosen(samples, rule.images)
    quick = prepared(network, to_float(some.images[:1]))
    with torch.random.fork_rng(), frozen(network), frozen(quick), Counting(network, quick) as passes:
        torch.manual_seed(seed)
        session = Session(Victim(network, seed, Room(BATCH)), some, rule, tick, quick)
        session.ask(access)
        return session.frame(), {"access": access, **session.facts, **passes.facts}


class Counting:
    """Counts what goes through a classifier and its copy: images forward, and images whose gradients came back."""

    def __init__(self, *networks: nn.Module) -> None:
        self.networks, self.forwards, self.backwards = set(networks), 0, 0  # there may be no copy

    def __enter__(self) -> Counting:
        self.hooks = [network.register_forward_hook(self._count) for network in self.networks]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()

    def _count(self, _: nn.Module, given: tuple[torch.Tensor, ...], logits: torch.Tensor) -> None:
        self.forwards += len(given[0])
        if logits.requires_grad:
            self.backwards += len(given[0])

    @property
    def facts(self) -> Facts:
        """Both counts."""
        return {"forwards": self.forwards, "backwards": self.backwards}


class Session:
    """What is known so far: rows, facts, and which probes failed."""

    def __init__(self, victim: Victim, samples: Samples, rule: Strength, tick: Tick, quick: Network) -> None:
        self.victim, self.all, self.rule, self.tick, self.quick = victim, samples, rule, tick, quick
        self.facts: Facts = {}
        self.parts: list[pd.DataFrame] = []
        self.failures: dict[str, str] = {}

    def ask(self, access: Access) -> None:
        """Everything, the cheap and decisive first; a classifier whose outputs are no numbers is asked no further."""
        victim, images = self.victim, self.all.images
        self.facts |= answering.outputs(victim.network, images, victim.room)
        if self.facts["not_finite"]:
            return
        self.facts |= answering.repeated(victim, images, self.rule.threat)
        if self.facts["repeat_change"]:
            self.quick = victim.network
        clean, _ = answers(victim, images, self.all.labels)
        before = answering.odds(self.quick, to_float(images), victim.room)
        places = np.flatnonzero(clean == self.all.labels.cpu().numpy()).tolist()
        self.right, self.clean = part(self.all, places), clean[places]
        self.facts |= {"right": len(places), "majority": majority(self.all.labels)}
        if places:
            self.attack(access)
        self.facts |= {"drift": self.drift(clean, before), "failures": self.failures}

    def attack(self, access: Access) -> None:
        """All attacks, on the images that are right."""
        threat = self.rule.threat
        if access == "white-box":
            self.facts |= gradients.gradients(self.victim, self.all, threat)
            if "gradient_error" not in self.facts:
                self.facts |= gradients.differences(self.victim, self.right, threat)
                self.climb()
        self.try_each(plan.searches(threat))
        self.best_of(plan.noises(threat))
        self.attempt(Ask("transfer", STEPS, plan.reference(threat)), self.transferred())
        if self.facts["repeat_flips"]:
            self.attempt(Ask("expectation", MEAN_OF, plan.reference(threat)), Mean(self.victim.network))

    def climb(self) -> None:
        """The attacks with gradients, and the reference again under the names of what it is compared with."""
        threat, shape = self.rule.threat, tuple(self.right.images.shape[1:])
        self.facts["longest"] = plan.longest(threat, shape)  # says up to which budget there have to be rows
        self.try_each(plan.white_box(threat))
        known = [frame for frame in self.parts if set(frame["probe"]) == {"iterations"}]
        for frame in known:
            if set(frame["setting"]) == {float(STEPS)}:
                self.parts.append(frame.assign(probe="budget", setting=threat.eps))
                self.parts.append(frame.assign(probe="restarts", setting=1.0))
        self.try_each(plan.budgets(threat, shape))

    def try_each(self, asks: Iterable[Ask]) -> None:
        """One probe after the other."""
        for ask in asks:
            self.attempt(ask)

    def attempt(self, ask: Ask, attacked: Network | None = None) -> None:
        """Run one probe; one that fails leaves no rows, and its reason among the facts."""
        found = self.run(ask, attacked)
        if found is not None:
            self.parts.append(rows(ask, self.right, self.clean, found))

    def run(self, ask: Ask, attacked: Network | None = None) -> Found | None:
        """What an attack found; None where it failed."""
        self.tick(len(self.parts), len(self.parts) + 1, f"probe: {ask.probe}")
        try:
            return judged(ask.attack, self.victim, self.right, attacked or self.quick)
        except MemoryShortError:
            raise  # says nothing about the classifier
        except RunError as error:
            self.failures[f"{ask.probe} {ask.setting:g}"] = str(error)
            return None

    def best_of(self, asks: list[Ask]) -> None:
        """Several draws: of each image the one where the wrong class is furthest ahead."""
        found = [one for one in map(self.run, asks) if one is not None]
        if not found:
            return
        margin, pred = np.stack([one.margin for one in found]), np.stack([one.pred for one in found])
        best, columns = margin.argmax(0), np.arange(len(self.right))
        most = Found(found[0].images, pred[best, columns], margin[best, columns], np.full(len(self.right), len(found)))
        self.parts.append(rows(asks[0], self.right, self.clean, most).assign(attack="noise"))

    def transferred(self) -> Network:
        """A surrogate that learned the classifier's answers about these images."""
        self.tick(len(self.parts), len(self.parts) + 1, "probe: learn a surrogate")
        seed = seed_of("surrogate", self.victim.seed)
        return surrogate.distilled(self.victim.network, self.all.images, self.rule.threat, seed)

    def drift(self, clean: np.ndarray, before: Scores) -> int:
        """How many labels of the images themselves are not what they were before the attacks.

        Of the copy that was attacked too: what an attack leaves behind in a classifier, it leaves there.
        """
        now, _ = answers(self.victim, self.all.images, self.all.labels)
        copied = answering.flips(before, answering.odds(self.quick, to_float(self.all.images), self.victim.room))
        return max(int((now != clean).sum()), int(copied.sum()))

    def frame(self) -> pd.DataFrame:
        """All rows."""
        if not self.parts:
            return pd.DataFrame(columns=list(COLUMNS))
        return pd.concat(self.parts, ignore_index=True)[list(COLUMNS)]


def majority(labels: Labels) -> float:
    """Share of the larger class."""
    return float(torch.bincount(labels, minlength=2).max() / len(labels))


class Mean(nn.Module):
    """The mean of several answers, for a classifier whose answers vary.

    Source: Athalye, Engstrom, Ilyas, Kwok 2018, "Synthesizing robust adversarial examples", section 2.1.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The mean of the logits."""
        return torch.stack([self.model(x) for _ in range(MEAN_OF)]).mean(0)
