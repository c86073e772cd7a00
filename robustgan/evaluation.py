"""The harness: perturb -> project -> 8 bit -> check the budget -> classify -> rows.

An attack never grades itself. What is judged is what an attacker could send: 8-bit images, inside the budget.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from robustgan.batches import Room, halved
from robustgan.counting import Counted
from robustgan.draws import seed_of
from robustgan.errors import InputError, RunError
from robustgan.freezing import frozen as frozen
from robustgan.freezing import weights_digest as weights_digest
from robustgan.interfaces import L2, Attack, Linf, Samples, State
from robustgan.journal import Tick, silent
from robustgan.memory import short
from robustgan.nonfinite import first
from robustgan.operating import threshold_of
from robustgan.prepare import prepared
from robustgan.quantise import LEVELS, reach, writable
from robustgan.quantise import to_8_bit as to_8_bit
from robustgan.quantise import to_float as to_float
from robustgan.scoring import scores
from robustgan.tensors import Bytes, Images, Tensor

log = logging.getLogger(__name__)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
BROKEN = "returned values that are not finite"


class Effort(NamedTuple):
    """What an attack cost, and which part of it fooled, image by image."""

    forwards: Tensor
    backwards: Tensor
    solvers: list[str]


class Duel(NamedTuple):
    """An attack and its classifier, made ready for as many images as come."""

    attack: Attack
    model: nn.Module  # judges what is written
    victim: nn.Module  # the same classifier as the attack sees it: as `prepare.py` makes it, which is faster
    network: nn.Module  # of an attack that has one
    seed: int
    room: Room


@contextmanager
def ready(
    attack: Attack,
    model: nn.Module,
    network: nn.Module,
    samples: Samples,
    seed: int,
    batch: int,
    precision: str = "fp32",
    compiled: bool = False,
) -> Iterator[Duel]:
    """Prepare the classifier, and hold it frozen meanwhile: once for a cell, in however many parts its images come.

    Args:
        attack: whose images are judged.
        model: the classifier.
        network: the attack's own, where it has one.
        samples: images of the cell; the shape of the first is all that counts.
        seed: of the attack.
        batch: the most images that are attacked at once.
        precision: `fp32`, or `bf16` for the gradients that the attack is given.
        compiled: compile the classifier that the attack is given, on a GPU; on a CPU that takes longer than it saves.

    Raises:
        RunError: there are no images, or a network changed meanwhile.
    """
    if not len(samples):
        raise RunError(f"{attack.label}: there are no images to attack.")
    if not writable(attack.threat):
        log.warning("%s: eps is below one grey level (1/255): every written image is its original.", attack.label)
    like = to_float(samples.images[:1])
    victim = model if attack.access == "none" else prepared(model, like, DTYPES[precision], compiled and like.is_cuda)
    with frozen(model), frozen(network), frozen(victim):
        yield Duel(attack, model, victim, network, seed, Room(batch))


def judge(
    attack: Attack,
    model: nn.Module,
    network: nn.Module,
    samples: Samples,
    seed: int,
    batch: int,
    tick: Tick = silent,
) -> tuple[pd.DataFrame, Bytes]:
    """`fought`, for images that are all held in memory."""
    with ready(attack, model, network, samples, seed, batch) as duel:
        return fought(duel, samples, tick)


def fought(duel: Duel, samples: Samples, tick: Tick = silent) -> tuple[pd.DataFrame, Bytes]:
    """Attack every image and classify what would be written.

    Returns:
        One row an image, in the order of `samples` (`image_id`, the columns of PREDICTIONS that depend on the
        attack, and `float_pred` of SURVIVAL), and the 8-bit images. A budget below one grey level is allowed, and
        said in the log.

    Raises:
        RunError: the attack crashed, changed what it was given, returned another shape or values that are not
            finite, or its 8-bit images are outside the budget. A failed attack fails its cell, loudly: it is
            never scored as clean images. MemoryShortError: not even one image fits into memory.
    """
    attack, model = duel.attack, duel.model
    rows, done = [], 0
    written = torch.empty(samples.images.shape, dtype=torch.uint8, device=samples.images.device)

    def one(part: slice) -> tuple[pd.DataFrame, Bytes]:
        some = Samples(samples.images[part], samples.labels[part], samples.rows.iloc[part])
        x_adv, effort = propose(attack, duel.victim, duel.network, some, duel.seed)
        eight = to_8_bit(some.images, x_adv, attack.threat)
        before = (scores(model, x_adv) >= threshold_of(model)).long().cpu().numpy()
        return rows_of(attack, model, some, eight, effort).assign(float_pred=before), eight

    for frame, eight in halved(len(samples), duel.room, one, attack.label):
        rows.append(frame)
        written[done : done + len(eight)] = eight
        done += len(eight)
        tick(done, len(samples), attack.label)
    return pd.concat(rows, ignore_index=True), written


def propose(attack: Attack, model: nn.Module, network: nn.Module, some: Samples, seed: int) -> tuple[Images, Effort]:
    """Let the attack make its images and bring them into the budget; also what it cost."""
    victim = Counted(model, gradients=attack.access == "white-box", images=len(some), device=some.images.device).eval()
    ids, solvers = some.rows["image_id"].tolist(), [""] * len(some)
    seeds = tuple(seed_of("perturb", attack.label, seed, image) for image in ids)
    x = to_float(some.images)
    given = x.clone()

    def attacked(asked: nn.Module, shown: Tensor) -> Tensor:
        return attack.perturb(asked, shown, some.labels.clone(), State(network, torch.Generator(), seeds, solvers))

    try:
        x_adv = attacked(victim, given)
    except InputError:
        raise
    except Exception as error:
        if short(error):
            raise
        raise RunError(f"{attack.label}: failed on {_named(ids)}: {type(error).__name__}: {error}") from error
    problem = _problem(x, given, x_adv) or _forbidden(attack, victim)
    if problem == BROKEN:
        problem += f" ({first(lambda model: attacked(model, x.clone()), victim)})"
    if problem:
        raise RunError(f"{attack.label}: the attack {problem}, on {_named(ids)}.")
    return attack.threat.project(x, x_adv.detach()), Effort(victim.forwards, victim.backwards, solvers)


def _problem(x: Images, given: Images, x_adv: Tensor) -> str:
    """What is wrong with what an attack returned; empty where nothing is."""
    if not torch.equal(given, x):
        return "wrote into its input"
    if x_adv.shape != x.shape:
        return f"returned shape {tuple(x_adv.shape)}, expected {tuple(x.shape)}"
    if x_adv.dtype != x.dtype or x_adv.device != x.device:
        return f"returned {x_adv.dtype} on {x_adv.device}, expected {x.dtype} on {x.device}"
    return "" if torch.isfinite(x_adv).all() else BROKEN


def _forbidden(attack: Attack, victim: Counted) -> str:
    """Whether an attack saw or did more than it says; empty where not."""
    if attack.access == "none" and victim.forwards.any():
        return "asked the classifier, though its access is `none`"
    return "left the classifier in training mode" if any(m.training for m in victim.modules()) else ""


def _named(ids: list[str]) -> str:
    """The images of a batch, for a message that people read."""
    return f"{len(ids)} images ({', '.join(image[:12] for image in ids[:3])}{', ...' if len(ids) > 3 else ''})"


def rows_of(attack: Attack, model: nn.Module, some: Samples, eight: Bytes, effort: Effort) -> pd.DataFrame:
    """Classify originals and written images, measure the change, and refuse what is out of budget."""
    change = (eight.double() - some.images.double()) / LEVELS
    linf, l2 = change.abs().flatten(1).amax(1), change.flatten(1).norm(dim=1)
    if isinstance(attack.threat, Linf | L2):
        reached = float((linf if isinstance(attack.threat, Linf) else l2).max())
        if reached > reach(attack.threat):
            budget = f"the budget is {attack.threat.norm} {attack.threat.eps:.6f}"
            raise RunError(f"{attack.label}: the 8-bit images are {reached:.6f} away, {budget}.")
    clean_score, score = scores(model, to_float(some.images)), scores(model, to_float(eight))
    threshold = threshold_of(model)
    pred = (score >= threshold).long().cpu().numpy()
    return pd.DataFrame(
        {
            "image_id": some.rows["image_id"].tolist(),
            "clean_score": clean_score.double().cpu().numpy(),
            "score": score.double().cpu().numpy(),
            "clean_pred": (clean_score >= threshold).long().cpu().numpy(),
            "pred": pred,
            "linf": linf.cpu().numpy(),
            "l2": l2.cpu().numpy(),
            "queries": effort.forwards.double().cpu().numpy(),
            "backwards": effort.backwards.double().cpu().numpy(),
            "solver": np.where(pred != some.labels.cpu().numpy(), np.asarray(effort.solvers, dtype=object), ""),
        }
    )
