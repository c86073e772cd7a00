"""Who takes part in `attack_speed.py`: the same attack by robustgan and by other libraries, each told the same.

All get the model frozen, in eval mode: that is the fastest for every library. PGD of the others is that of `rivals.py`.

- A strong ensemble is Auto-PGD on cross-entropy, FAB and Square, each on what the ones before left standing. With two
  classes that is all of AutoAttack there is: the published standard version stops with an IndexError, and so do
  torchattacks' and ART's (their DLR losses need a third class). The others are given the parts that run.
- ART's AutoAttack does not start without a package that it does not declare. Its Auto-PGD and its Square are run one
  after the other here; it has no FAB.
- foolbox has no such ensemble: a row says so.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from benchmarks import rivals
from benchmarks.rivals import Terms
from robustgan.attacks._parts import ClimbingPart, SearchingPart, WalkingPart
from robustgan.attacks.ensemble import Ensemble
from robustgan.attacks.pgd import PGD
from robustgan.counting import Counted
from robustgan.interfaces import Attack, State

Run = Callable[[nn.Module, Tensor, Tensor], Tensor]  # model, images and labels to changed images


class Racer(NamedTuple):
    """A library's way to run an attack."""

    attack: str
    library: str
    victim: str  # the model as it is (`plain`), `prepared`, or `half`: prepared in bfloat16
    run: Run


class AbsentError(Exception):
    """A library has no such attack."""


class Size(NamedTuple):
    """The budget of the ensemble, which all are told."""

    steps: int  # gradients of Auto-PGD, and of FAB
    queries: int  # of Square


def climbers(terms: Terms) -> Iterator[Racer]:
    """PGD-20."""
    attack = PGD(threat=terms.threat, steps=rivals.PGD_STEPS, random_start=False)
    whole, until = partial(ours, attack), partial(ours, attack.model_copy(update={"until": "fooled"}))
    yield Racer("pgd-20", "robustgan, model as it is", "plain", whole)
    yield Racer("pgd-20", "robustgan", "prepared", whole)
    yield Racer("pgd-20", "robustgan, bfloat16", "half", whole)
    yield Racer("pgd-20", "robustgan, to the verdict", "prepared", until)
    for library in (rivals.art, rivals.foolbox, rivals.torchattacks):
        run = next(run for attack, run in library(terms) if attack == "pgd")
        yield Racer("pgd-20", library.__name__, "plain", run)


def ensembles(terms: Terms, size: Size) -> Iterator[Racer]:
    """The strong ensemble, to the verdict."""
    parts = ClimbingPart(steps=size.steps), WalkingPart(steps=size.steps), SearchingPart(queries=size.queries)
    yield Racer("ensemble", "robustgan", "prepared", partial(ours, Ensemble(threat=terms.threat, parts=parts)))
    for run in (art, foolbox, torchattacks, original):
        name = "auto-attack" if run is original else run.__name__
        yield Racer("ensemble", name, "plain", partial(run, terms, size))


def ours(attack: Attack, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """As the harness runs it: counted, and quantised to 8 bits before an image counts as fallen."""
    state = State(nn.Identity(), torch.Generator(), tuple(range(len(y))))
    return attack.perturb(Counted(model, gradients=True, images=len(y)).eval(), x, y, state)


def art(terms: Terms, size: Size, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Auto-PGD, then Square on what stands."""
    from art.attacks import evasion
    from art.estimators.classification import PyTorchClassifier

    logging.getLogger("art").setLevel(logging.ERROR)
    told: dict[str, Any] = {"clip_values": (0.0, 1.0), "device_type": "gpu" if x.is_cuda else "cpu"}
    victim = PyTorchClassifier(model, nn.CrossEntropyLoss(), tuple(x.shape[1:]), terms.classes, **told)
    eps, common = terms.threat.eps, {"norm": float("inf"), "eps": terms.threat.eps, "batch_size": len(y)}
    climb = {"eps_step": 2 * eps, "max_iter": size.steps, "nb_random_init": 1, "loss_type": "cross_entropy"}
    search = {"max_iter": size.queries, "p_init": 0.8, "nb_restarts": 1}
    made, labels = x.cpu().numpy().copy(), nn.functional.one_hot(y, terms.classes).float().cpu().numpy()
    for method, extra in (("AutoProjectedGradientDescent", climb), ("SquareAttack", search)):
        stands = victim.predict(made).argmax(1) == y.cpu().numpy()
        if stands.any():
            attack = getattr(evasion, method)(victim, verbose=False, **common, **extra)
            made[stands] = attack.generate(x=x.cpu().numpy()[stands], y=labels[stands])
    return torch.from_numpy(made).to(x)


def foolbox(terms: Terms, size: Size, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Nothing, so that nobody has to wonder where it is.

    Raises:
        AbsentError: always.
    """
    raise AbsentError("it has no ensemble that passes on what stands")


def torchattacks(terms: Terms, size: Size, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Its own way to pass on what stands, with the steps that all have (its AutoAttack has parts of 10)."""
    import torchattacks as ta

    told = {"norm": terms.norm, "eps": terms.threat.eps}
    parts = [
        ta.APGD(model, **told, steps=size.steps, loss="ce"),
        ta.FAB(model, **told, steps=size.steps, n_classes=terms.classes, multi_targeted=True),
        ta.Square(model, **told, n_queries=size.queries),
    ]
    found: Tensor = ta.MultiAttack(parts)(x, y)
    return found


def original(terms: Terms, size: Size, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """The published AutoAttack with the parts that two classes leave.

    Raises:
        ModuleNotFoundError: there is no checkout of it.
    """
    if terms.original is None:
        raise ModuleNotFoundError("give --original, a checkout of github.com/fra31/auto-attack")
    if str(terms.original) not in sys.path:
        sys.path.insert(0, str(terms.original))
    from autoattack import AutoAttack

    parts = ["apgd-ce", "fab-t", "square"]
    told: dict[str, Any] = {"version": "custom", "attacks_to_run": parts, "seed": 0, "verbose": False}
    attack = AutoAttack(model, norm=terms.norm, eps=terms.threat.eps, device=x.device.type, **told)
    attack.apgd.n_iter = attack.fab.n_iter = size.steps
    attack.fab.n_target_classes = terms.classes - 1
    attack.square.n_queries, attack.square.rescale_schedule = size.queries, True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: Tensor = attack.run_standard_evaluation(x, y, bs=len(y))
    return found
