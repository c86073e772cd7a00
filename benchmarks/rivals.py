"""The same attacks by robustgan and by other libraries, each told everything explicitly: norm, eps, steps, seed.

PGD climbs from the image itself. From random starts, which each library draws in its own way, images on the edge fall
or stand by luck, and the same number of steps would not have to fool the same images.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from robustgan.attacks._climbing import Climbing
from robustgan.attacks._parts import SearchingPart
from robustgan.attacks._siege import Attempt, Siege, relay, untouched
from robustgan.attacks._walking import Walking
from robustgan.attacks.ensemble import STANDARD
from robustgan.attacks.pgd import PGD
from robustgan.interfaces import Bounded, Linf, State

Run = Callable[[nn.Module, Tensor, Tensor], Tensor]  # model, images and classes to changed images
PGD_STEPS, STEPS = 20, 100
WRITTEN = "robustgan, as 8 bits"  # a library's name in tables


class Rival(NamedTuple):
    """An attack of a library."""

    attack: str
    library: str
    run: Run


class Terms(NamedTuple):
    """What every library is told."""

    threat: Bounded
    classes: int
    queries: int  # of Square
    original: Path | None  # a checkout of fra31/auto-attack
    seed: int = 0

    @property
    def norm(self) -> str:
        """As AutoAttack and torchattacks spell it."""
        return "Linf" if isinstance(self.threat, Linf) else "L2"


def rivals(terms: Terms) -> Iterator[Rival]:
    """Every attack of every library; robustgan's comes first, for the others are compared with it."""
    names = {"ours": "robustgan", "ours_written": WRITTEN, "original": "auto-attack"}
    for library in (ours, ours_written, art, foolbox, torchattacks, original):
        for attack, run in library(terms):
            if attack == "pgd" and terms.classes > 2:
                continue  # robustgan's PGD is for two classes
            yield Rival(attack, names.get(library.__name__, library.__name__), run)


def ours(terms: Terms) -> Iterator[tuple[str, Run]]:
    """robustgan's; falls are judged on floats, as all the others do."""
    yield "pgd", partial(_pgd, terms)
    yield from _strong(terms, written=False)


def ours_written(terms: Terms) -> Iterator[tuple[str, Run]]:
    """The same as a run uses them: an image falls where it fools as 8 bits, and is not let go before."""
    return _strong(terms, written=True)


def _strong(terms: Terms, written: bool) -> Iterator[tuple[str, Run]]:
    attempts = {
        "apgd-ce": Climbing().attempts(terms.classes),
        "apgd-targeted": Climbing(loss="margin", targets=9).attempts(terms.classes),
        "fab": Walking().attempts(terms.classes),
        "square": SearchingPart(queries=terms.queries).attempts(terms.classes),
    }
    parts = (*STANDARD[:-1], SearchingPart(queries=terms.queries))
    every = [attempt for part in parts for attempt in part.attempts(terms.classes)]
    for name, some in {**attempts, "ensemble": iter(every)}.items():
        yield name, partial(_siege, terms, list(some), written)


def _siege(terms: Terms, attempts: list[Attempt], written: bool, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    seeds = tuple(range(terms.seed * len(y), (terms.seed + 1) * len(y)))
    siege = Siege(model, x, y, terms.threat, seeds, terms.classes, written)
    return relay(siege, [untouched, *attempts])[0].x_adv


def _pgd(terms: Terms, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    state = State(nn.Identity(), torch.Generator(), tuple(range(len(y))))
    return PGD(threat=terms.threat, steps=PGD_STEPS, random_start=False).perturb(model, x, y, state)


# ---------------------------------------------------------------------------------------------------------- others


def art(terms: Terms) -> Iterator[tuple[str, Run]]:
    """The Adversarial Robustness Toolbox."""
    eps = terms.threat.eps
    steady = {"eps_step": eps / 4, "max_iter": PGD_STEPS, "num_random_init": 0}
    yield "pgd", partial(_art, terms, "ProjectedGradientDescent", steady)
    climbing = {"eps_step": 2 * eps, "max_iter": STEPS, "nb_random_init": 1}
    yield "apgd-ce", partial(_art, terms, "AutoProjectedGradientDescent", {**climbing, "loss_type": "cross_entropy"})
    asking = {"max_iter": terms.queries, "p_init": 0.8, "nb_restarts": 1}
    yield "square", partial(_art, terms, "SquareAttack", asking)


def _art(terms: Terms, method: str, told: dict[str, Any], model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    from art.attacks import evasion
    from art.estimators.classification import PyTorchClassifier

    logging.getLogger("art").setLevel(logging.ERROR)
    shape, place = tuple(x.shape[1:]), "gpu" if x.is_cuda else "cpu"
    pixels = {"clip_values": (0.0, 1.0), "device_type": place}
    victim = PyTorchClassifier(model, nn.CrossEntropyLoss(), shape, terms.classes, **pixels)
    norm = float("inf") if isinstance(terms.threat, Linf) else 2
    common = {"norm": norm, "eps": terms.threat.eps, "batch_size": len(y)}
    told = {**common, **told, **({} if method == "SquareAttack" else {"targeted": False})}
    attack = getattr(evasion, method)(victim, verbose=False, **told)
    labels = nn.functional.one_hot(y, terms.classes).float().cpu().numpy()
    return torch.from_numpy(attack.generate(x=x.cpu().numpy().copy(), y=labels)).to(x)


def foolbox(terms: Terms) -> Iterator[tuple[str, Run]]:
    """Foolbox."""
    yield "pgd", partial(_foolbox, terms)


def _foolbox(terms: Terms, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    import foolbox as fb

    kind = fb.attacks.LinfPGD if isinstance(terms.threat, Linf) else fb.attacks.L2PGD
    attack = kind(abs_stepsize=terms.threat.eps / 4, steps=PGD_STEPS, random_start=False)
    _, clipped, _ = attack(fb.PyTorchModel(model, bounds=(0, 1), device=x.device), x, y, epsilons=terms.threat.eps)
    return clipped


def torchattacks(terms: Terms) -> Iterator[tuple[str, Run]]:
    """Torchattacks, attack by attack; its AutoAttack is another one, with parts of 10 steps."""
    told = {"norm": terms.norm, "eps": terms.threat.eps, "seed": terms.seed}
    step = terms.threat.eps / 4
    plain = {"eps": terms.threat.eps, "alpha": step, "steps": PGD_STEPS, "random_start": False}
    yield "pgd", partial(_torchattacks, "PGD" if isinstance(terms.threat, Linf) else "PGDL2", plain)
    yield "apgd-ce", partial(_torchattacks, "APGD", {**told, "steps": STEPS, "loss": "ce"})
    many = {"steps": STEPS, "n_classes": terms.classes}
    yield "apgd-targeted", partial(_torchattacks, "APGDT", {**told, **many})
    yield "fab", partial(_torchattacks, "FAB", {**told, **many, "multi_targeted": True})
    yield "square", partial(_torchattacks, "Square", {**told, "n_queries": terms.queries})


def _torchattacks(method: str, told: dict[str, Any], model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    import torchattacks as ta

    attack = getattr(ta, method)(model, **told)
    return attack(x, y)


def original(terms: Terms) -> Iterator[tuple[str, Run]]:
    """The published AutoAttack: told the same as the others, with as many targets as there are; and as shipped."""
    aimed = ["apgd-t"] if terms.classes >= 4 else []  # it cannot be had with fewer
    yield "ensemble", partial(_original, terms, ["apgd-ce", *aimed, "fab-t", "square"])
    yield "ensemble as shipped", partial(_original, terms, [])


def _original(terms: Terms, parts: list[str], model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    if terms.original is None:
        raise ModuleNotFoundError("give --original, a checkout of github.com/fra31/auto-attack")
    if str(terms.original) not in sys.path:
        sys.path.insert(0, str(terms.original))
    from autoattack import AutoAttack

    told = {"version": "custom", "attacks_to_run": parts} if parts else {"version": "standard"}
    attack = AutoAttack(model, norm=terms.norm, eps=terms.threat.eps, device="cpu", seed=0, verbose=False, **told)
    if parts:
        attack.square.n_queries, attack.square.rescale_schedule = terms.queries, True
        for part in (attack.apgd_targeted, attack.fab):
            part.n_target_classes = min(9, terms.classes - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return attack.run_standard_evaluation(x, y, bs=len(y))
